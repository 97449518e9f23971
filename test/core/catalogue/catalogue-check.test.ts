import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { CONNECTORS, driftOf, namedEndpoints } from '../../../scripts/catalogue-check.ts';
import { loadCatalogue } from '../../../src/config/load-catalogue.ts';

const catalogue = loadCatalogue();
const source = `
  return { endpoint: "/api/v3/time", method: "GET", queryParams };
  return {
    endpoint: '/api/v3/brandNew',
    method: 'POST',
  };
  return { endpoint: "/api/v3/time", method: "GET" };
`;

describe('catalogue:check', () => {
  it('The catalogue check reads the endpoints that a connector names, each once', () => {
    expect(namedEndpoints(source)).toEqual([
      { method: 'GET', path: '/api/v3/time' },
      { method: 'POST', path: '/api/v3/brandNew' },
    ]);
  });

  it('The catalogue check tells what the catalogue lacks and what the connector does not name', () => {
    const drift = driftOf(CONNECTORS[0]!, source, catalogue);
    expect(drift.missing).toEqual([{ method: 'POST', path: '/api/v3/brandNew' }]);
    expect(drift.extra).toHaveLength(47);
  });

  it('The catalogue check finds nothing unexplained in the installed connectors', () => {
    const script = fileURLToPath(new URL('../../../scripts/catalogue-check.ts', import.meta.url));
    const { status, stdout } = spawnSync(process.execPath, [script], { encoding: 'utf8' });
    expect(stdout).toContain('Nothing unexplained is missing.');
    expect(stdout.match(/names \d+ endpoints/g)).toEqual([
      'names 48 endpoints',
      'names 47 endpoints',
      'names 95 endpoints',
    ]);
    expect(status).toBe(0);
  });
});
