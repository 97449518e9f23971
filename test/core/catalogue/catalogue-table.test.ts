import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { endpointTable } from '../../../scripts/write-endpoint-table.ts';
import { loadCatalogue } from '../../../src/config/load-catalogue.ts';

const written = readFileSync(new URL('../../../docs/endpoints.md', import.meta.url), 'utf8');

describe('docs/endpoints.md', () => {
  it('The endpoint table says of every endpoint what the catalogue says (node scripts/write-endpoint-table.ts writes it anew)', () => {
    expect(written).toBe(endpointTable(loadCatalogue()));
  });

  it('The endpoint table has a row for every endpoint of the catalogue, each once', () => {
    const rows = written
      .split('\n')
      .filter((line) => /^\| (?:spot|usdm|coinm|options|portfolio|web) \|/.test(line));
    expect(rows).toHaveLength(813);
    expect(rows.filter((row) => row.includes('/sapi/v1/userListenToken'))).toHaveLength(1);
    expect(new Set(rows.map((row) => row.split(' | ').slice(0, 3).join())).size).toBe(813);
  });
});
