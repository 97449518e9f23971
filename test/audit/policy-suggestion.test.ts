import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseRecord } from '../../src/audit/reading/read-records.ts';
import { PolicySuggestion } from '../../src/audit/searching/policy-suggestion.ts';
import { readFolderSince } from '../../src/audit/searching/read-since.ts';
import { loadCatalogue } from '../../src/config/load-catalogue.ts';
import type { UnsealedRecord } from '../../src/core/records/record.ts';
import { NOON_MS, openTrail, signed, temporaryFolder } from '../support/fixtures/sample-trail.ts';
import { MAIN, runToEnd } from '../support/processes/child.ts';

const catalogue = loadCatalogue();
const HOUR_MS = 3_600_000;

interface Rules {
  readonly permissions: readonly string[];
  readonly symbols?: readonly string[];
  readonly requestsPerSecond?: number;
  readonly weightPerMinute?: number;
  readonly order?: Readonly<Record<string, unknown>>;
}

/** What is suggested for records at these times. */
function suggest(
  client: string,
  records: readonly (readonly [atMs: number, record: UnsealedRecord])[],
): { readonly yaml: string; readonly rules: Rules } {
  const folder = temporaryFolder();
  const { trail, clock, lines } = openTrail(folder);
  for (const [atMs, record] of records) {
    clock.nowMs = atMs;
    trail.write(record);
  }
  trail.close();
  const suggestion = new PolicySuggestion(client, catalogue);
  for (const line of lines) {
    const record = parseRecord(line);
    if (record !== undefined) suggestion.add(record);
  }
  const yaml = suggestion.print();
  return { yaml, rules: (parse(yaml) as { clients: Record<string, Rules> }).clients[client] as Rules };
}

describe('what a client needs', () => {
  it('The day’s sums are the largest of any 24 hours, not of all time', () => {
    const at = [0, 1, 23, 25, 26, 60].map((hours) => NOON_MS + hours * HOUR_MS);
    const { rules } = suggest(
      'grid-bot',
      at.map((atMs, number) => [atMs, signed(number)] as const),
    );
    expect(rules.order).toEqual({
      types: ['LIMIT'],
      maxNotional: { USDT: '500' },
      maxNotionalPerDay: { USDT: '1500' },
      maxPerDay: 3,
    });
    expect(rules).toMatchObject({
      permissions: ['spot-margin-trade'],
      symbols: ['BTCUSDT'],
      requestsPerSecond: 1,
    });
  });

  it('Calls of others count for nothing, and reads name no symbol', () => {
    const read: UnsealedRecord = {
      ...signed(1),
      method: 'GET',
      path: '/api/v3/myTrades',
      permission: 'read',
      params: { symbol: 'ETHUSDT' },
    };
    const { rules } = suggest('dashboard', [
      [NOON_MS, { ...read, client: 'dashboard' }],
      [NOON_MS + 1, signed(2)],
    ]);
    expect(rules).toEqual({ permissions: ['read'], requestsPerSecond: 1, weightPerMinute: 1 });
  });

  it('An order that nobody can value leaves the values out, and says so', () => {
    const { order, ...rest } = suggest('grid-bot', [
      [NOON_MS, { ...signed(1), params: { symbol: 'BTCUSDT', side: 'BUY', type: 'MARKET', quantity: '1' } }],
    ]).rules;
    expect(order).toEqual({ types: ['MARKET'], maxPerDay: 1 });
    expect(rest.symbols).toEqual(['BTCUSDT']);
  });

  it('What was refused is told, and hostile texts stay in their comment', () => {
    const { yaml, rules } = suggest('grid-bot', [
      [NOON_MS, signed(1)],
      [
        NOON_MS + 1,
        {
          event: 'call.refused',
          client: 'grid-bot',
          error: 'PROXY_ORDER_REFUSED',
          rule: 'x\nclients: { evil: {} }',
        },
      ],
    ]);
    expect(yaml).toMatch(/^# Refused then, and still: 1 × PROXY_ORDER_REFUSED x.clients: \{ evil/m);
    expect(Object.keys(parse(yaml) as object)).toEqual(['clients']);
    expect(rules.permissions).toEqual(['spot-margin-trade']);
  });

  it('The command and a folder give the same; records before the time count for nothing', async () => {
    const folder = temporaryFolder();
    const { trail, clock } = openTrail(folder, { nowMs: Date.now() - 20 * 24 * HOUR_MS });
    trail.write({ ...signed(1), params: { ...signed(1).params, symbol: 'ETHUSDT' } });
    clock.nowMs = Date.now();
    trail.write(signed(2));
    const suggestion = new PolicySuggestion('grid-bot', catalogue);
    await readFolderSince(
      folder,
      Date.now() - HOUR_MS,
      (record) => suggestion.add(record),
      () => performance.now(),
    );
    const { code, stdout } = await runToEnd([MAIN, 'audit', 'suggest', 'grid-bot', folder], { cwd: folder });
    expect([code, stdout]).toEqual([0, suggestion.print()]);
    expect(stdout).toContain('- BTCUSDT');
    expect(stdout).not.toContain('ETHUSDT');
    expect((await runToEnd([MAIN, 'audit', 'suggest', 'grid-bot'], { cwd: join(folder) })).code).toBe(64);
  });
});
