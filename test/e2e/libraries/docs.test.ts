import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { binance, pro } from 'ccxt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  arrivedAt,
  DEAD_HTTP_PROXY,
  expectFaithful,
  openStage,
  type Stage,
} from '../../support/processes/library-scenario.ts';

const PAGE = readFileSync(new URL('../../../docs/clients.md', import.meta.url), 'utf8');
const OTHER_PAGES = ['README.md', 'docs/configuration.md', 'docs/websocket.md', 'docs/by-name.md'].map(
  (path) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8'),
);
const PROXY = 'http://localhost:8080';
const GUARD = new URL('../../support/loopback-only.ts', import.meta.url).href;

/** The code block whose opening fence ends in this name. */
function block(name: string): string {
  const found = new RegExp(`^\`\`\`\\w+ ${name}\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(PAGE)?.[1];
  if (found === undefined) throw new Error(`docs/clients.md has no code block ${name}`);
  return found;
}

/** The block with this stage's address and pair in it. */
function adapted(name: string, { baseUrl, wsUrl, key, secret }: Stage): string {
  return block(name)
    .replaceAll(PROXY, baseUrl)
    .replaceAll(PROXY.replace('http', 'ws'), wsUrl)
    .replaceAll('ISSUED_KEY', key)
    .replaceAll('ISSUED_SECRET', secret);
}

async function run(command: string, args: readonly string[]): Promise<string> {
  const child = spawn(command, args, { env: { ...process.env, ...DEAD_HTTP_PROXY } });
  const [stdout, stderr, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise((resolve, reject) => child.on('close', resolve).on('error', reject)),
  ]);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return stdout;
}

const runModule = (code: string) =>
  run(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    '--import',
    GUARD,
    '--input-type=module',
    '-e',
    code,
  ]);

describe('docs/clients.md', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await openStage('an issued key pair', { requireSignature: false });
  });
  afterAll(() => stage.close());

  it.each([
    ['ccxt', /free: 100000/],
    ['binance-spot', /asset: '币安人生'/],
    ['binance-usds-futures', /balance: '10000.00000000'/],
    ['binance', /asset: '币安人生'[\s\S]*balance: '10000.00000000'/],
    ['ccxt-pro', /^\[\] \{[\s\S]*free: 100000/],
    ['node-binance-api', /available: '100000.00000000'[\s\S]*asset: 'USDT'[\s\S]*symbol: 'BTCUSDT'/],
    ['binance-api-node', /asset: '币安人生'[\s\S]*balance: '10000.00000000'/],
    ['binance-connector', /asset: '币安人生'[\s\S]*"accountType":"SPOT"/],
  ])('The clients page has lines for %s that work as they stand', async (name, printed) => {
    expect(await runModule(adapted(name, stage))).toMatch(printed);
    expectFaithful(stage);
  });

  it.runIf(spawnSync('curl', ['--version']).status === 0)(
    'The clients page has curl lines that work as they stand',
    async () => {
      const printed = await run('sh', ['-c', adapted('curl', stage).replaceAll(/^curl/gm, 'echo; curl')]);
      const [time, account, placed, canceled] = printed
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown);
      expect(time).toEqual({ serverTime: expect.any(Number) });
      expect(account).toMatchObject({ accountType: 'SPOT' });
      expect(placed).toEqual({});
      expect(canceled).toMatchObject({ code: -2011 });
      expect(arrivedAt(stage, 'POST', '/api/v3/order/test')[0]).toMatchObject({
        verified: true,
        status: 200,
      });
      expect(arrivedAt(stage, 'DELETE', '/api/v3/openOrders')[0]).toMatchObject({ verified: true });
    },
  );

  it('The clients page lists every address of the sockets of ccxt.pro but that of stocks', () => {
    const { ws } = new pro.binance().urls.api as unknown as { ws: Record<string, unknown> };
    for (const name of Object.keys(ws).filter((each) => each !== 'stock'))
      expect(block('ccxt-pro')).toMatch(new RegExp(`^ {2}'?${name}'?: `, 'm'));
  });

  it('The clients page has no heading that its own links or other pages miss', () => {
    const anchors = [...PAGE.matchAll(/^## (.+)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    );
    const linked = [
      ...[...PAGE.matchAll(/\]\(#([^)]+)\)/g)],
      ...OTHER_PAGES.flatMap((page) => [...page.matchAll(/clients\.md#([^)]+)\)/g)]),
    ].map(([, anchor]) => anchor);
    expect(linked.length).toBeGreaterThan(15);
    expect(linked.filter((anchor) => !anchors.includes(anchor ?? ''))).toEqual([]);
  });

  it('The clients page lists every URL of ccxt for freqtrade', () => {
    const { exchange } = JSON.parse(block('freqtrade')) as {
      exchange: { ccxt_config: { urls: { api: object } } };
    };
    const expected = Object.entries<string>(new binance().urls.api).map(([name, url]) => {
      const { hostname, pathname } = new URL(url);
      const isCoinMargined = hostname === 'dapi.binance.com' && pathname === '/futures/data';
      return [name, `${PROXY}${isCoinMargined ? '/coinm' : ''}${pathname}`];
    });
    expect(exchange.ccxt_config.urls.api).toEqual(Object.fromEntries(expected));
  });
});
