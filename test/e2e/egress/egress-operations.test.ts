import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError } from '../../../src/config/problems/config-error.ts';
import { send } from '../../support/clients/http.ts';
import { connectApp, eventually } from '../../support/clients/ws-app.ts';
import { type EgressProxy, startHttpProxy, startSocksProxy } from '../../support/egress/egress-proxies.ts';
import {
  EXCHANGE,
  egressEnv,
  HEDGE_APP,
  MAIN_APP,
  startBehind,
  startTlsExchange,
  type TlsExchange,
  twoAccounts,
} from '../../support/egress/egress-stage.ts';
import { ACCOUNT, folderWith, messagesOf } from '../../support/fixtures/config-folder.ts';
import { MAIN, runToEnd } from '../../support/processes/child.ts';
import { TEST_KEY, TEST_SECRET, type TestProxy } from '../../support/servers/proxy.ts';

const CREDENTIALS = 'office-user:word-of-the-office';

let exchange: TlsExchange;
beforeAll(async () => {
  exchange = await startTlsExchange();
});
afterAll(() => exchange.close());

let proxy: TestProxy | undefined;
const ways: EgressProxy[] = [];
afterEach(async () => {
  await proxy?.close();
  proxy = undefined;
  for (const way of ways.splice(0)) await way.kill();
});

const account = (headers: Record<string, string>) => send(proxy?.port ?? 0, '/api/v3/account', { headers });

async function office(): Promise<EgressProxy> {
  const way = await startHttpProxy({ credentials: CREDENTIALS });
  ways.push(way);
  return way;
}

describe('a way out from a local address', () => {
  it('The exchange sees each account come from its own address, over REST and on sockets', async () => {
    proxy = await startBehind(
      exchange,
      twoAccounts({ top: '{ localAddress: 127.0.0.3 }', hedge: '{ localAddress: 127.0.0.2 }' }),
      {},
      'localhost',
    );
    const peers = () => exchange.peers.slice(-1);
    expect((await account(HEDGE_APP)).status).toBe(200);
    expect(peers()).toEqual(['127.0.0.2']);
    expect((await account(MAIN_APP)).status).toBe(200);
    const app = await connectApp(`${proxy.url}/ws-api/v3`, { headers: HEDGE_APP });
    expect(await app.ask('account.status')).toMatchObject({ status: 200 });
    expect(peers()).toEqual(['127.0.0.2']);
    const stream = await connectApp(`${proxy.url}/ws/btcusdt@trade`, { headers: HEDGE_APP });
    expect(peers()).toEqual(['127.0.0.3']);
    expect(new Set(exchange.peers)).toEqual(new Set(['127.0.0.2', '127.0.0.3']));
    app.socket.terminate();
    stream.socket.terminate();
  });
});

describe('the command check', () => {
  const check = (env: Readonly<Record<string, string>>) =>
    runToEnd([MAIN, 'check'], {
      cwd: folderWith(),
      env: {
        BINANCE_API_KEY: TEST_KEY,
        BINANCE_API_SECRET: TEST_SECRET,
        BINANCE_PROXY_ENVIRONMENT: 'simulator',
        ...egressEnv(exchange),
        ...env,
      },
    });

  it('The command check asks through the way out, and names its setting when it is closed', async () => {
    const way = await office();
    const url = `http://${CREDENTIALS}@${way.address}`;
    const open = await check({ BINANCE_PROXY_EGRESS_PROXY: url });
    expect([open.code, open.stderr]).toEqual([0, '']);
    expect(new Set(way.tunnels.map(({ target }) => target))).toEqual(
      new Set([`${EXCHANGE}:${exchange.port}`]),
    );
    await way.kill();
    ways.length = 0;
    const closed = await check({ BINANCE_PROXY_EGRESS_PROXY: url });
    expect(closed.code).toBe(1);
    expect(closed.stdout).toContain(
      'Binance could not be reached through egress (BINANCE_PROXY_EGRESS_PROXY): its proxy could not be reached (ECONNREFUSED).',
    );
    for (const secret of ['word-of-the-office', way.address])
      expect(closed.stdout + closed.stderr + open.stdout).not.toContain(secret);
  });
});

describe('variables by which other programs find a proxy', () => {
  const messages = (started: TestProxy) =>
    started
      .records('config.warning')
      .map(({ msg }) => String(msg))
      .filter((msg) => msg.includes('not used'));

  it('HTTPS_PROXY and its like are named in one record when they are set and not used, and nothing goes there', async () => {
    const other = await office();
    proxy = await startBehind(
      exchange,
      twoAccounts({}),
      {
        HTTPS_PROXY: `http://${CREDENTIALS}@${other.address}`,
        all_proxy: `socks5://${CREDENTIALS}@${other.address}`,
      },
      'localhost',
    );
    expect((await account(MAIN_APP)).status).toBe(200);
    expect(messages(proxy)).toEqual([
      'HTTPS_PROXY, all_proxy are set and not used: calls leave directly. Set BINANCE_PROXY_EGRESS_PROXY to send them through a proxy.',
    ]);
    expect(other.tunnels).toEqual([]);
    expect(proxy.lines.join('\n')).not.toContain('word-of-the-office');
  });

  it.each(['HTTPS_PROXY', 'HTTP_PROXY', 'ALL_PROXY', 'https_proxy', 'http_proxy', 'all_proxy'])(
    'The variable %s is named alone, and not once an egress proxy is set',
    async (name) => {
      const way = await office();
      proxy = await startBehind(exchange, twoAccounts({}), { [name]: 'http://127.0.0.1:9' }, 'localhost');
      expect(messages(proxy)).toHaveLength(1);
      expect(messages(proxy)[0]).toContain(`${name} is set and not used`);
      await proxy.close();
      const url = `http://${CREDENTIALS}@${way.address}`;
      proxy = await startBehind(exchange, twoAccounts({}), {
        [name]: 'http://127.0.0.1:9',
        BINANCE_PROXY_EGRESS_PROXY: url,
      });
      expect(messages(proxy)).toEqual([]);
    },
  );
});

describe('the URL of an egress proxy', () => {
  const wrong: readonly [string, string, RegExp][] = [
    ['no URL', 'proxy.company.test', /must be a URL such as/],
    ['another scheme', 'ftp://proxy.company.test', /must be a URL such as/],
    ['SOCKS4', 'socks4://proxy.company.test', /must be a URL such as/],
    ['a path', 'http://user:word-of-the-office@proxy.company.test/path', /without path, query/],
    ['a query', 'http://user:word-of-the-office@proxy.company.test?a=b', /without path, query/],
    ['no host', 'http://user:word-of-the-office@', /must be a URL such as/],
    ['a broken escape', 'http://user:word%zzoffice@proxy.company.test', /broken percent escape/],
    [
      'a user without a password on SOCKS',
      'socks5://user@proxy.company.test',
      /both a user name and a password/,
    ],
    [
      'a password that SOCKS cannot carry',
      `socks5://user:${'p'.repeat(256)}@proxy.company.test`,
      /more than 255 bytes/,
    ],
  ];
  it.each(wrong)(
    'The URL of an egress proxy with %s is refused at the start, and not shown',
    (_what, url, sentence) => {
      const found = messagesOf({ ...ACCOUNT, BINANCE_PROXY_EGRESS_PROXY: url });
      expect(found).toHaveLength(1);
      expect(found[0]).toMatch(/^BINANCE_PROXY_EGRESS_PROXY /);
      expect(found[0]).toMatch(sentence);
      for (const part of ['office', 'company', 'pppp']) expect(found[0]).not.toContain(part);
    },
  );

  it('A way that is named and not given, given twice, or given and not named, is refused at the start', () => {
    const yaml = (egress: string) => ({ 'config/proxy.yaml': egress });
    expect(messagesOf(ACCOUNT, yaml('egress: { envPrefix: OFFICE }'))).toEqual([
      'OFFICE_EGRESS_PROXY is not set: set it to the URL of the egress proxy, or OFFICE_EGRESS_PROXY_FILE to a file that holds it.',
    ]);
    const url = 'http://proxy.company.test';
    const both = { ...ACCOUNT, OFFICE_EGRESS_PROXY: url, BINANCE_PROXY_EGRESS_PROXY: url };
    expect(messagesOf(both, yaml('egress: { envPrefix: OFFICE }'))).toEqual([
      'BINANCE_PROXY_EGRESS_PROXY is set, but egress.envPrefix names OFFICE_EGRESS_PROXY: set one of them.',
    ]);
    expect(messagesOf({ ...ACCOUNT, BINANCE_EGRESS_PROXY: url })).toEqual([
      'BINANCE_EGRESS_PROXY is set, but no setting reads it: add egress with envPrefix BINANCE to accounts.main, or set BINANCE_PROXY_EGRESS_PROXY for all calls.',
    ]);
  });
});

describe('a reload of ways out', () => {
  it('New credentials and a new proxy are taken over, and nothing goes to the old one any more', async () => {
    const [old, next] = [
      await office(),
      await startSocksProxy({ credentials: 'office-user:another-word-of-it' }),
    ];
    ways.push(next);
    const yaml = twoAccounts({ top: '{ envPrefix: OFFICE }' });
    proxy = await startBehind(exchange, yaml, {
      OFFICE_EGRESS_PROXY: `http://${CREDENTIALS}@${old.address}`,
    });
    expect((await account(MAIN_APP)).status).toBe(200);
    const before = old.tunnels.length;
    proxy.reload(
      {
        ...egressEnv(exchange),
        OFFICE_EGRESS_PROXY: `socks5://office-user:another-word-of-it@${next.address}`,
      },
      yaml,
    );
    expect((await account(MAIN_APP)).status).toBe(200);
    expect([old.tunnels.length, next.tunnels.length > 0]).toEqual([before, true]);
    await eventually(() => proxy?.records('config.loaded').length === 1);
    expect(proxy.records('config.loaded')).toMatchObject([{ detail: { changed: 'egress' } }]);
    expect(proxy.lines.join('\n')).not.toMatch(/word-of/);
  });

  it.each([
    [
      'the proxy of everything',
      twoAccounts({}),
      /^egress would lose its proxy: calls would leave directly\.$/m,
    ],
    [
      'the way of an account',
      twoAccounts({ top: '{ envPrefix: OFFICE }' }),
      /^accounts\.hedge\.egress is gone: its calls would leave by the top-level one\.$/m,
    ],
    [
      'the proxy of an account',
      twoAccounts({ top: '{ envPrefix: OFFICE }', hedge: '{ localAddress: 127.0.0.2 }' }),
      /^accounts\.hedge\.egress would lose its proxy: calls would leave directly\.$/m,
    ],
    [
      'the count of a way by another id',
      twoAccounts({ top: '{ envPrefix: OFFICE }', hedge: '{ envPrefix: HEDGE, id: fresh }' }),
      /^accounts\.hedge\.egress\.id would be another one for the same way/m,
    ],
  ])('A reload that would take away %s is refused, and the ways stay', async (_what, yaml, sentence) => {
    const [main, own] = [await office(), await office()];
    const env = {
      OFFICE_EGRESS_PROXY: `http://${CREDENTIALS}@${main.address}`,
      HEDGE_EGRESS_PROXY: `http://${CREDENTIALS}@${own.address}`,
    };
    const both = twoAccounts({ top: '{ envPrefix: OFFICE }', hedge: '{ envPrefix: HEDGE }' });
    proxy = await startBehind(exchange, both, env);
    let refusal = '';
    try {
      proxy.reload({ ...egressEnv(exchange), ...env }, yaml);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      refusal = error.problems.map(({ message }) => message).join('\n');
    }
    expect(refusal).toMatch(sentence);
    const before = own.tunnels.length;
    expect((await account(HEDGE_APP)).status).toBe(200);
    expect(own.tunnels.length).toBe(before + 1);
  });
});
