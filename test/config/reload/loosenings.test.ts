import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { loadSettings } from '../../../src/config/load-settings.ts';
import { changes } from '../../../src/config/reload/changes.ts';
import { loosenings } from '../../../src/config/reload/loosenings.ts';
import { remembering } from '../../../src/config/reload/remembering.ts';
import type { Settings } from '../../../src/config/schema/settings.ts';
import { ACCOUNT, type Files, folderWith, type Variables } from '../../support/fixtures/config-folder.ts';

const ENV: Variables = {
  ...ACCOUNT,
  HEDGE_API_KEY: 'hedge-key',
  HEDGE_API_SECRET: 'hedge-secret',
  BOT_CLIENT_KEY: 'bot-key',
  BOT_CLIENT_SECRET: 'bot-client-secret',
  OTHER_CLIENT_KEY: 'other-key',
};
const ACCOUNTS = 'accounts: { main: { envPrefix: BINANCE }, hedge: { envPrefix: HEDGE } }\n';
const DENY = 'deny: [{ path: /sapi/v1/convert/**, reason: by hand }, { path: /api/v3/account, reason: no }]';

function load(yaml: string | undefined, env: Variables = {}, files: Files = {}): Settings {
  const config: Files = yaml === undefined ? {} : { 'config/proxy.yaml': ACCOUNTS + yaml };
  return loadSettings({ env: { ...ENV, ...env }, cwd: folderWith({ ...config, ...files }) });
}

const publicKey = () =>
  generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString();
const bot = (rules: string) => `clients: { bot: { account: main, envPrefix: BOT, ${rules} } }`;
const BOT = bot(`
  requireSignature: true, permissions: [read, spot-margin-trade], symbols: [BTCUSDT],
  order: { types: [LIMIT], maxNotional: { USDT: "500" }, maxNotionalPerDay: { USDT: "5000" }, maxPerDay: 20 },
  weightPerMinute: 100, requestsPerSecond: 5`);

describe('a configuration that takes a guard away', () => {
  const other = 'other: { account: main, envPrefix: OTHER }';
  it.each<[what: string, before: string, after: string, sentences: readonly string[]]>([
    [
      'a permission',
      BOT,
      BOT.replace('[read', '[convert, read'),
      ['clients.bot would gain the permission convert.'],
    ],
    [
      'permissions by leaving them out',
      bot('permissions: [read, spot-margin-trade, futures-trade, options-trade]'),
      bot(''),
      ['clients.bot would gain the permissions market-data, portfolio-margin-trade.'],
    ],
    ...(
      [
        ['priceBand', '5%', '5.1%'],
        ['maxSpread', '0.02', '3%'],
        ['perSecond', '10', '11'],
        ['perMinute', '120', '121'],
        ['repeats', '{ max: 3, withinMs: 10000 }', '{ max: 4, withinMs: 10000 }'],
        ['repeats', '{ max: 3, withinMs: 10000 }', '{ max: 3, withinMs: 9999 }'],
      ] as const
    ).flatMap(([rule, before, after]): [string, string, string, readonly string[]][] => {
      const rules = (value: string) => bot(`order: { types: [LIMIT], ${rule}: ${value} }`);
      const sentences = [`clients.bot would have looser limits: order.${rule}.`];
      return [
        [`${rule} by ${after}`, rules(before), rules(after), sentences],
        [`${rule} by leaving it out`, rules(before), bot('order: { types: [LIMIT] }'), sentences],
      ];
    }),
    [
      'refusals in a row',
      bot('stopAfterRefusals: 10'),
      bot('stopAfterRefusals: 11'),
      ['clients.bot would be stopped after more refusals, or never.'],
    ],
    [
      'the end of a key',
      bot('expires: 2027-03-01'),
      bot('expires: 2027-03-02'),
      ['clients.bot would have a key that ends later, or never.'],
    ],
    [
      'the end of a key by leaving it out',
      bot('expires: 2027-03-01'),
      bot(''),
      ['clients.bot would have a key that ends later, or never.'],
    ],
    [
      'a symbol',
      BOT,
      BOT.replace('[BTCUSDT]', '[BTCUSDT, ETHUSDT]'),
      ['clients.bot would gain the symbol ETHUSDT.'],
    ],
    [
      'all symbols',
      BOT,
      BOT.replace('symbols: [BTCUSDT],', ''),
      ['clients.bot would be free to trade every symbol.'],
    ],
    [
      'an order type',
      BOT,
      BOT.replace('[LIMIT]', '[LIMIT, MARKET]'),
      ['clients.bot would have looser limits: order.types.'],
    ],
    [
      'a higher notional',
      BOT,
      BOT.replace('"500"', '"500.01"'),
      ['clients.bot would have looser limits: order.maxNotional.'],
    ],
    [
      'a further quote asset',
      BOT,
      BOT.replace('"500"', '"500", BTC: "1"'),
      ['clients.bot would have looser limits: order.maxNotional.'],
    ],
    [
      'a higher sum of the day',
      BOT,
      BOT.replace('"5000"', '"5001"'),
      ['clients.bot would have looser limits: order.maxNotionalPerDay.'],
    ],
    [
      'more orders a day',
      BOT,
      BOT.replace('maxPerDay: 20', 'maxPerDay: 21'),
      ['clients.bot would have looser limits: order.maxPerDay.'],
    ],
    [
      'no order rules',
      BOT,
      BOT.replace(/order: .*\},\n/, ''),
      [
        'clients.bot would have looser limits: order.types, order.maxNotional, order.maxNotionalPerDay, order.maxPerDay.',
      ],
    ],
    [
      'a larger weight',
      BOT,
      BOT.replace('weightPerMinute: 100', 'weightPerMinute: 101'),
      ['clients.bot would have a larger weightPerMinute, or none.'],
    ],
    [
      'no limit of requests',
      BOT,
      BOT.replace(', requestsPerSecond: 5', ''),
      ['clients.bot would have more requestsPerSecond, or no limit of them.'],
    ],
    [
      'no need to sign',
      BOT,
      BOT.replace('requireSignature: true', 'requireSignature: false'),
      ['clients.bot would be free to sign nothing.'],
    ],
    [
      'report mode',
      BOT,
      BOT.replace('weightPerMinute', 'policy: { mode: report }, weightPerMinute'),
      ['clients.bot would be in report mode: its rules would refuse nothing.'],
    ],
    [
      'another account',
      BOT,
      BOT.replace('account: main', 'account: hedge'),
      ['clients.bot would move to another account.'],
    ],
    [
      'calls without a key',
      'clients: { anonymous: { enabled: false } }',
      'clients: { anonymous: { enabled: true } }',
      ['clients.anonymous would be enabled: calls without a key would pass.'],
    ],
    [
      'a larger share of those without a key',
      'clients: { anonymous: { weightPerMinute: 5 } }',
      '',
      ['clients.anonymous would have a larger weightPerMinute, or none.'],
    ],
    [
      'the last key',
      BOT,
      '',
      ['The last client key would go: every program that reaches the listener would be trusted.'],
    ],
    [
      'a key for a client of another name',
      BOT,
      BOT.replace('bot:', 'bot2:'),
      ['The key of clients.bot would be the one of clients.bot2.'],
    ],
    [
      'keys that change hands',
      `clients: { bot: { account: main, envPrefix: BOT }, ${other} }`,
      `clients: { bot: { account: main, envPrefix: OTHER }, other: { account: main, envPrefix: BOT } }`,
      [
        'clients.bot would lose its issued secret: its signatures would be verified no more.',
        'The key of clients.bot would be the one of clients.other.',
        'The key of clients.other would be the one of clients.bot.',
      ],
    ],
    [
      'the preflight, to warn',
      'keyPreflight: enforce',
      'keyPreflight: warn',
      ['keyPreflight would go from enforce to warn.'],
    ],
    [
      'the preflight, to off',
      'keyPreflight: warn',
      'keyPreflight: off',
      ['keyPreflight would go from warn to off.'],
    ],
    ['a longer recvWindow', 'recvWindowMs: 1000', '', ['recvWindowMs would be higher.']],
    [
      'another environment',
      'environment: testnet\nkeyPreflight: off',
      'environment: demo\nkeyPreflight: off',
      ['environment would be another one.'],
    ],
    [
      'another origin',
      '',
      'upstreams: { usdm: https://x.test, spotStream: wss://y.test }',
      ['upstreams.usdm would be another origin.', 'upstreams.spotStream would be another origin.'],
    ],
    [
      'a further origin of spot',
      '',
      'upstreams: { spot: [https://api.binance.com, https://x.test] }',
      ['upstreams.spot would be another origin.'],
    ],
    [
      'an origin where there was none',
      '',
      'upstreams: { web: https://x.test }',
      ['upstreams.web would be another origin.'],
    ],
    [
      'a further Host name',
      'server: { allowedHosts: [a.test] }',
      'server: { allowedHosts: [A.test, b.test] }',
      ['server would accept further Host names: b.test.'],
    ],
    [
      'operators of other machines',
      '',
      'operator: { host: 0.0.0.0 }',
      ['operator.host would be no loopback address: other machines would reach its listener.'],
    ],
  ])('A loosening is named in one sentence of its own: %s', (_what, before, after, sentences) => {
    expect(loosenings(load(before), load(after))).toEqual(sentences);
  });

  it('A loosening is named for each of several things', () => {
    const after = BOT.replace('[read', '[convert, read').replace('symbols: [BTCUSDT],', '');
    expect(loosenings(load(BOT), load(`${after}\nrecvWindowMs: 60000`))).toEqual([
      'recvWindowMs would be higher.',
      'clients.bot would gain the permission convert.',
      'clients.bot would be free to trade every symbol.',
    ]);
  });

  it('A client that would lose its issued secret is named: wrong signatures would pass', () => {
    const free = bot('permissions: [read]');
    expect(loosenings(load(free), load(free, { BOT_CLIENT_SECRET: undefined }))).toEqual([
      'clients.bot would lose its issued secret: its signatures would be verified no more.',
    ]);
  });

  it('A client that would lose its public key is named, unless another key is there', () => {
    const free = bot('permissions: [read]');
    const none = { BOT_CLIENT_SECRET: undefined };
    const own = { BOT_CLIENT_PUBLIC_KEY: publicKey() };
    const both = load(free, own);
    const sentence = 'clients.bot would lose its public key: its signatures would be verified no more.';
    expect(loosenings(load(free, { ...none, ...own }), load(free, none))).toEqual([sentence]);
    expect(loosenings(both, load(free, none))).toEqual([
      'clients.bot would lose its issued secret: its signatures would be verified no more.',
      sentence,
    ]);
    for (const kept of [load(free), load(free, { ...none, ...own }), both])
      expect(loosenings(both, kept)).toEqual([]);
    expect(loosenings(load(free), load(free, { ...none, ...own }))).toEqual([]);
    expect(loosenings(load(free, { ...none, ...own }), load(free))).toEqual([]);
  });

  it('A public key may be replaced, and the change is told without it', () => {
    const [one, other] = [publicKey(), publicKey()];
    const [before, after] = [one, other].map((BOT_CLIENT_PUBLIC_KEY) => load(BOT, { BOT_CLIENT_PUBLIC_KEY }));
    expect(loosenings(before!, after!)).toEqual([]);
    expect(changes(before!, after!)).toEqual({ clientsChanged: 'bot (publicKey)' });
    expect(changes(before!, load(BOT, { BOT_CLIENT_PUBLIC_KEY: one }))).toEqual({});
  });

  it('A secret of the proxy that is gone is named', () => {
    const env = { BINANCE_PROXY_AUDIT_KEY: 'audit-key', BINANCE_PROXY_REDIS_URL: 'redis://127.0.0.1' };
    expect(loosenings(load('', env), load(''))).toEqual([
      'BINANCE_PROXY_AUDIT_KEY is gone.',
      'BINANCE_PROXY_REDIS_URL is gone.',
    ]);
  });

  it('A client that two reloads would remove and bring back with more is named', () => {
    const key = bot('').replace(
      'bot: { account: main, envPrefix: BOT',
      'other: { account: main, envPrefix: OTHER',
    );
    const [first, second] = [load(BOT), load(key)];
    expect(loosenings(first, second)).toEqual([]);
    const guards = remembering(first, second);
    expect(loosenings(guards, load(bot('permissions: [convert]')))).toContain(
      'clients.bot would gain the permission convert.',
    );
    expect(loosenings(guards, load(BOT.replace('bot:', 'bot3:')))).toEqual([
      'The key of clients.bot would be the one of clients.bot3.',
    ]);
  });
});

describe('a file that a guard stands in', () => {
  const files = { 'config/denylist.yaml': DENY, '.env': 'X=1' };
  const read = (text: Files) => ({ ...loadSettings({ env: ENV, cwd: folderWith(text) }) });

  it.each<[what: string, after: Files, sentences: readonly string[]]>([
    [
      'gone',
      {},
      [
        'config/proxy.yaml was there before and is gone.',
        'config/denylist.yaml was there before and is gone.',
      ],
    ],
    [
      'empty',
      { 'config/proxy.yaml': '', 'config/denylist.yaml': '' },
      ['config/proxy.yaml is empty.', 'config/denylist.yaml is empty.'],
    ],
    [
      'nothing but comments',
      { 'config/proxy.yaml': '# soon\n', 'config/denylist.yaml': '---\n' },
      ['config/proxy.yaml is empty.', 'config/denylist.yaml is empty.'],
    ],
  ])('A file that a guard stands in is named when it is %s', (_what, after, sentences) => {
    const before = read({ 'config/proxy.yaml': 'logLevel: warn', 'config/denylist.yaml': 'deny: []' });
    expect(loosenings(before, read(after))).toEqual(sentences);
  });

  it('A file that was empty or absent from the start may stay so, and one that is added has to say something', () => {
    const empty = { 'config/proxy.yaml': '# nothing yet' };
    expect(loosenings(read(empty), read(empty))).toEqual([]);
    expect(loosenings(read({}), read({ 'config/proxy.yaml': 'logLevel: warn' }))).toEqual([]);
    expect(loosenings(read({}), read(empty))).toEqual(['config/proxy.yaml is empty.']);
  });

  it('A denial that is gone is named; one that a wider one stands for is not', () => {
    const before = read(files);
    const lost = (deny: string) => loosenings(before, read({ ...files, 'config/denylist.yaml': deny }));
    const [wide, account] = ['/sapi/v1/convert/**', '/api/v3/account'];
    const list = (...paths: string[]) =>
      `deny: [${paths.map((path) => `{ path: ${path}, reason: x }`).join(', ')}]`;
    const wideIsLost = [`The denylist would lose ${wide}.`];
    expect(lost('deny: []')).toEqual([...wideIsLost, `The denylist would lose ${account}.`]);
    expect(lost(list('/sapi/v1/convert/*', '/API/v2/account'))).toEqual(wideIsLost);
    expect(lost(list('/sapi/v1/convert/*/**', account))).toEqual(wideIsLost);
    expect(lost(list('/sapi/v1/*/*', '/api/**'))).toEqual(wideIsLost);
    expect(lost(list('/sapi/*/convert/**', '/api/*/account'))).toEqual([]);
    expect(lost(list('/**'))).toEqual([]);
  });
});

describe('a configuration that keeps all guards', () => {
  it.each<[what: string, before: string, after: string]>([
    ['nothing is different', BOT, BOT],
    ['a client is new', BOT, BOT.replace(/\}$/, ', other: { account: hedge, envPrefix: OTHER } }')],
    [
      'a client, not the last, is gone',
      `clients: { bot: { account: main, envPrefix: BOT }, other: { account: main, envPrefix: OTHER } }`,
      bot(''),
    ],
    ['there is a first key', '', BOT],
    ['rules are stricter', BOT, BOT.replace('read, ', '').replace('"500"', '"499.99"').replace('100', '99')],
    ['rules are new', bot(''), BOT],
    ['the preflight is stricter', 'keyPreflight: warn', 'keyPreflight: enforce'],
    [
      'an origin is gone',
      'upstreams: { spot: [https://a.test, https://b.test], web: https://c.test }',
      'upstreams: { spot: https://b.test }',
    ],
    [
      'the rest is different',
      'logLevel: warn',
      'logLevel: debug\nthrottle: { maxWaitMs: 5 }\nserver: { port: 1, host: 127.0.0.1 }',
    ],
  ])('A configuration that keeps all guards loosens nothing: %s', (_what, before, after) => {
    expect(loosenings(load(before), load(after))).toEqual([]);
  });

  it('A replaced key, client key, client secret or certificate loosens nothing', () => {
    const env = {
      BINANCE_API_KEY: 'k2',
      BINANCE_API_SECRET: 's2',
      BOT_CLIENT_KEY: 'b2',
      BOT_CLIENT_SECRET: 'bs2',
    };
    expect(loosenings(load(BOT), load(BOT, env))).toEqual([]);
  });
});
