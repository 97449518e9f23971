import { spawnSync } from 'node:child_process';
import { appendFileSync, copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createFileAuditSink } from '../../src/audit/file-sink.ts';
import { createAuditTrail } from '../../src/audit/trail.ts';
import { audit } from '../../src/commands/audit.ts';
import { auditKeyFrom } from '../../src/core/records/chain.ts';
import type { UnsealedRecord } from '../../src/core/records/record.ts';
import {
  completed,
  DAY_MS,
  NOON_MS,
  openTrail,
  signed,
  temporaryFolder,
} from '../support/fixtures/sample-trail.ts';
import { portion } from '../support/properties.ts';

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the command in this process and catches what it prints. */
async function run(...argv: string[]): Promise<Ran> {
  const caught = { out: '', err: '' };
  const catchInto = (stream: 'out' | 'err') => (text: unknown) => {
    caught[stream] += String(text);
    return true;
  };
  const out = vi.spyOn(process.stdout, 'write').mockImplementation(catchInto('out'));
  const err = vi.spyOn(process.stderr, 'write').mockImplementation(catchInto('err'));
  // Under vitest the console does not write to the streams of the process.
  const log = vi.spyOn(console, 'log').mockImplementation((text) => void catchInto('out')(`${text}\n`));
  const error = vi.spyOn(console, 'error').mockImplementation((text) => void catchInto('err')(`${text}\n`));
  try {
    return { code: await audit(argv), ...caught };
  } finally {
    for (const spy of [out, err, log, error]) spy.mockRestore();
  }
}

/** Two clients on two days: answered orders, a cancel, a refusal, an unknown outcome, and one that never ended. */
function tradingFolder(): string {
  const folder = temporaryFolder();
  const { trail, clock } = openTrail(folder);
  const order = (number: number, params: UnsealedRecord['params'], end: Partial<UnsealedRecord> = {}) => {
    trail.write({ ...signed(number), params });
    trail.note({ ...completed(number), ...end });
  };
  trail.note({ event: 'proxy.started', detail: { version: '1' } });
  order(1, { symbol: 'BTCUSDT', side: 'BUY', type: 'LIMIT', quantity: '0.01', price: '50000.5' });
  order(2, { symbol: 'ETHBTC', side: 'SELL', type: 'MARKET', quoteOrderQty: '0.3' });
  order(3, { symbol: 'ETHUSDT', side: 'SELL', type: 'MARKET', quantity: '1' });
  order(
    4,
    { symbol: 'BTCUSDT', side: 'BUY', quantity: '1', price: '9' },
    { status: 400, code: -2010, msg: 'No.' },
  );
  order(
    5,
    { symbol: 'BTCUSDT', side: 'BUY', quantity: '1', price: '9' },
    { outcome: 'unknown', status: 504, orderId: undefined },
  );
  clock.nowMs = NOON_MS + DAY_MS;
  const batch =
    '[{"symbol":"SOLUSDT","side":"BUY","type":"LIMIT","quantity":"2","price":"10.25","newClientOrderId":"leg-1"},{"symbol":"XRPUSDT","side":"BUY","type":"LIMIT","quantity":"1","price":"1"}]';
  trail.write({
    ...signed(6),
    upstream: 'usdm',
    path: '/fapi/v1/batchOrders',
    params: { batchOrders: batch },
  });
  trail.note({ ...completed(6), clientOrderId: ['leg-1', 'leg-2'] });
  trail.write({
    ...signed(7),
    method: 'DELETE',
    params: { symbol: 'BTCUSDT', origClientOrderId: 'c-1' },
    clientOrderId: undefined,
  });
  trail.note({ ...completed(7), clientOrderId: 'c-1', orderId: '9000000001' });
  const refused = {
    event: 'call.refused',
    client: 'dashboard',
    outcome: 'not-sent',
    error: 'PROXY_PERMISSION_DENIED',
  } as const;
  trail.note({
    ...refused,
    requestId: 'd-1',
    rule: 'spot-margin-trade',
    path: '/api/v3/order',
    method: 'POST',
  });
  trail.note({
    ...refused,
    requestId: 'd-2',
    rule: 'spot-margin-trade',
    path: '/api/v3/\u001b[2J',
    method: 'POST',
  });
  trail.write(signed(8));
  trail.close();
  return folder;
}

function ids(out: string): unknown[] {
  return out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const { event, requestId } = JSON.parse(line);
      return `${event} ${requestId}`;
    });
}

describe('audit verify', () => {
  it('The command audit verify says that a whole folder is whole', async () => {
    const folder = tradingFolder();
    expect(await run('verify', folder)).toEqual({
      code: 0,
      out: `${folder}: OK, 18 records in 2 files, seq 1 to 18 (SHA-256, no key)\n`,
      err: '',
    });
  });

  it('The command audit verify prints the first bad record with file, line and what is wrong, and exits with 1', async () => {
    const folder = tradingFolder();
    const path = join(folder, 'audit-2026-02-03.ndjson');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"50000.5"', '"50001.5"'));
    const { code, out } = await run('verify', folder);
    expect(code).toBe(1);
    expect(out.split('\n')[0]).toBe(`${path}:2: this record was changed: its hash does not match`);
  });

  it('The command audit verify takes the key from a file or from the variable that the proxy reads', async () => {
    const folder = temporaryFolder();
    const keyFile = join(temporaryFolder(), 'key');
    writeFileSync(keyFile, 'key-of-the-trail\n');
    const { trail } = openTrail(folder, { key: auditKeyFrom('key-of-the-trail') });
    trail.write(signed(1));
    trail.close();
    expect(await run('verify', folder)).toMatchObject({
      code: 1,
      out: expect.stringContaining('name its file with --key-file'),
    });
    expect(await run('verify', '--key-file', keyFile, folder)).toMatchObject({
      code: 0,
      out: expect.stringContaining('(HMAC-SHA256)'),
    });
    vi.stubEnv('BINANCE_PROXY_AUDIT_KEY', 'key-of-the-trail');
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(await run('verify', folder)).toMatchObject({ code: 0 });
    vi.stubEnv('BINANCE_PROXY_AUDIT_KEY', 'another-key');
    const { code, out } = await run('verify', folder);
    expect([code, out]).toEqual([1, expect.stringContaining('made with another key')]);
    expect(out).not.toContain('another-key');
  });

  it('The command audit verify reads fifty megabytes in megabyte pieces, lines across their borders included', async () => {
    const folder = temporaryFolder();
    const sink = createFileAuditSink({ folder, key: undefined, durability: 'process' });
    const trail = createAuditTrail({ sink, log: () => {}, now: () => NOON_MS });
    const params = { note: 'n'.repeat(480) };
    const records = portion(55_000);
    for (let number = 0; number < records; number++) trail.write({ ...signed(number), params });
    trail.close();
    const startedMs = performance.now();
    expect(await run('verify', folder)).toMatchObject({
      code: 0,
      out: expect.stringContaining(`${records} records`),
    });
    const seconds = (performance.now() - startedMs) / 1000;
    process.stdout.write(
      `audit verify: ${readFileSync(join(folder, 'audit-2026-02-03.ndjson')).length / 1e6} MB in ${seconds.toFixed(2)} s\n`,
    );
  });
});

describe('audit show', () => {
  it('The command audit show prints the lines as they stand in the file when stdout is no terminal', async () => {
    const folder = tradingFolder();
    const files = readdirSync(folder)
      .filter((name) => name.endsWith('.ndjson'))
      .sort();
    const { out } = await run('show', folder);
    expect(out).toBe(files.map((name) => readFileSync(join(folder, name), 'utf8')).join(''));
  });

  it.each<[what: string, flags: string[], shown: string[]]>([
    [
      'all about a client order id',
      ['--client-order-id', 'c-1'],
      ['call.signed r-1', 'call.completed r-1', 'call.signed r-7', 'call.completed r-7'],
    ],
    ['all about a leg of a batch', ['--client-order-id', 'leg-1'], ['call.signed r-6', 'call.completed r-6']],
    [
      'all about an order id, from its signing on',
      ['--order-id', '9000000002'],
      ['call.signed r-2', 'call.completed r-2'],
    ],
    ['all about a symbol', ['--symbol', 'ETHBTC'], ['call.signed r-2', 'call.completed r-2']],
    ['a symbol in a batch', ['--symbol', 'XRPUSDT'], ['call.signed r-6', 'call.completed r-6']],
    ['an outcome', ['--outcome', 'unknown'], ['call.completed r-5']],
    ['a client', ['--client', 'dashboard'], ['call.refused d-1', 'call.refused d-2']],
    ['an event', ['--event', 'proxy.started'], ['proxy.started undefined']],
    [
      'a kind of event',
      ['--event', 'call', '--since', '2026-02-04', '--client', 'dashboard'],
      ['call.refused d-1', 'call.refused d-2'],
    ],
    [
      'a time',
      ['--since', '2026-02-03T12:00', '--until', '2026-02-03', '--event', 'proxy.started'],
      ['proxy.started undefined'],
    ],
    ['nothing', ['--symbol', 'BTCUSD'], []],
  ])('The command audit show selects %s', async (_, flags, shown) => {
    const { code, out } = await run('show', ...flags, tradingFolder());
    expect([code, ids(out)]).toEqual([0, shown]);
  });

  it('The command audit show prints a table whose lines no foreign text can break or colour', async () => {
    const folder = tradingFolder();
    const { out } = await run('show', '--table', folder);
    const lines = out.trimEnd().split('\n');
    expect(lines).toHaveLength(19);
    expect(lines[2]).toMatch(
      /2026-02-03 12:00:00\.000 +grid-bot +call\.signed +POST \/api\/v3\/order +BTCUSDT BUY LIMIT 0\.01 @ 50000\.5 "c-1"/,
    );
    expect(out).toContain('\\u001b[2J');
    expect(out).not.toContain('\u001b');
  });

  it('The command audit show reads a saved log of stdout too, and passes over lines that are no records', async () => {
    const folder = tradingFolder();
    const log = join(folder, 'proxy.log');
    copyFileSync(join(folder, 'audit-2026-02-03.ndjson'), log);
    appendFileSync(log, 'npm notice\n{"level":30,"msg":"listening"}\n');
    expect(ids((await run('show', '--outcome', 'unknown', log)).out)).toEqual(['call.completed r-5']);
  });
});

describe('audit report', () => {
  it('The command audit report adds up calls, refusals, orders, notional, weight and latency per client and day', async () => {
    const { out } = await run('report', '--json', tradingFolder());
    const [first, dashboard, second, ...rest] = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(rest).toEqual([]);
    expect(first).toMatchObject({
      day: '2026-02-03',
      client: 'grid-bot',
      calls: 5,
      answered: 4,
      unknown: 1,
      refused: 0,
      unfinished: 0,
      orders: 3,
      notional: { USDT: '500.005', BTC: '0.3' },
      unvaluedOrders: 1,
      weight: 5,
      durationMs: { p50: 3, p95: 5, p99: 5, max: 5 },
      upstreamMs: { p50: 2, max: 4 },
    });
    expect(dashboard).toMatchObject({
      client: 'dashboard',
      calls: 2,
      refused: 2,
      refusals: { 'PROXY_PERMISSION_DENIED: spot-margin-trade': 2 },
      orders: 0,
      notional: {},
    });
    expect(second).toMatchObject({
      day: '2026-02-04',
      calls: 3,
      unfinished: 1,
      orders: 2,
      notional: { USDT: '21.5' },
    });
  });

  it('The command audit report prints the same for people, and says what the notional is', async () => {
    const { out } = await run('report', '--client', 'grid-bot', '--until', '2026-02-03', tradingFolder());
    expect(out).toContain(
      '2026-02-03  grid-bot\n  calls      5: 4 answered, 0 refused, 1 unknown, 0 unfinished\n',
    );
    expect(out).toContain('  notional   500.005 USDT\n');
    expect(out).toContain('Fills are not in the records');
    expect(out).not.toContain('dashboard');
  });
});

describe('the audit command', () => {
  it.each<[what: string, argv: string[], code: number, err: RegExp]>([
    ['nothing', [], 64, /say what to do/],
    ['an unknown word', ['destroy'], 64, /say what to do/],
    ['no path', ['verify'], 64, /needs the path/],
    ['a foreign option', ['verify', '--symbol', 'X', '.'], 64, /no option --symbol/],
    ['an unknown option', ['verify', '--nope', '.'], 64, /--nope/],
    ['a time it cannot read', ['show', '--since', 'yesterday', '.'], 64, /--since takes/],
    ['a path that is not there', ['verify', 'no/such/folder'], 1, /ENOENT/],
  ])('The command audit refuses %s with a sentence', async (_, argv, code, err) => {
    const ran = await run(...argv);
    expect([ran.code, ran.err]).toEqual([code, expect.stringMatching(err)]);
  });

  it.each(['verify', 'show', 'report'])('The command audit explains %s with --help', async (sub) => {
    expect(await run(sub, '--help')).toMatchObject({ code: 0, out: expect.stringContaining(`\n  ${sub} `) });
  });

  it('The command audit ends quietly when its reader has seen enough', () => {
    const folder = tradingFolder();
    const path = join(folder, 'audit-2026-02-03.ndjson');
    const text = readFileSync(path, 'utf8');
    for (let round = 0; round < 200; round++) appendFileSync(path, text);
    const script =
      "const { audit } = await import('./src/commands/audit.ts'); process.exitCode = await audit(process.argv.slice(1));";
    const command = `"$0" --input-type=module -e "$1" show "$2" | head -n 1`;
    const ran = spawnSync('sh', ['-c', command, process.execPath, script, folder], { encoding: 'utf8' });
    expect(ran.stderr).toBe('');
    expect(ran.stdout).toContain('proxy.started');
  });
});

describe('docs/audit.md', () => {
  const page = readFileSync(new URL('../../docs/audit.md', import.meta.url), 'utf8');

  it('The audit page names every field of a record', () => {
    const schema = JSON.parse(
      readFileSync(new URL('../../config/audit-record.schema.json', import.meta.url), 'utf8'),
    );
    for (const field of Object.keys(schema.properties)) expect(page).toContain(`\`${field}\``);
  });
});
