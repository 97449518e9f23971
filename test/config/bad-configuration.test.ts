import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadSettings } from '../../src/config/load-settings.ts';
import { ConfigError, formatProblems } from '../../src/config/problems/config-error.ts';
import {
  ACCOUNT,
  folderWith,
  messagesOf,
  problemsIn,
  problemsOf,
} from '../support/fixtures/config-folder.ts';

const BOT = { ...ACCOUNT, BOT_CLIENT_KEY: 'bot-key', BOT_CLIENT_SECRET: 'bot-secret' };

/** `§` stands where the problem must be reported. */
const files: readonly [what: string, yaml: string, message: string | RegExp][] = [
  ['an unknown key', 'server: { §hots: localhost }', 'server.hots is not a known key: did you mean host?'],
  [
    'an unknown key like no other',
    '§colour: red',
    /^colour is not a known key: known here are environment, server,/,
  ],
  [
    'an unknown environment',
    'environment: §production',
    'environment must be one of: live, testnet, demo, simulator.',
  ],
  ['a port as text', 'server: { port: §"8080" }', 'server.port must be a whole number from 0 to 65535.'],
  ['a port too large', 'operator:\n  port: §65536', 'operator.port must be a whole number from 0 to 65535.'],
  [
    'a host with a port',
    'server:\n  host: §localhost:80',
    /^server\.host must be a host name or an IP address/,
  ],
  ['a host that is a URL', 'server: { host: §http://localhost }', /^server\.host must be a host name/],
  ['a host with a broken address', 'operator: { host: §256.0.0.1 }', /^operator\.host must be a host name/],
  [
    'an allowed host with a port',
    'server:\n  allowedHosts: §[proxy, "a:80"]',
    /^server\.allowedHosts has a name that is none/,
  ],
  [
    'allowed hosts as text',
    'server:\n  allowedHosts: §proxy',
    'server.allowedHosts must be a list of host names.',
  ],
  [
    'a socket path too long',
    `server: { socket: §/${'x'.repeat(110)} }`,
    /^server\.socket must be a path of at most 103/,
  ],
  [
    'a group without a socket',
    'server: { socketGroup: §trading }',
    /^server\.socketGroup has an effect together with a socket only/,
  ],
  [
    'a public listener without keys',
    'server: { host: §0.0.0.0 }',
    /^server\.host opens the proxy to other machines, but no client key/,
  ],
  ['a public IPv6 listener without keys', 'server: { host: §"::" }', /^server\.host opens the proxy/],
  ['a named listener without keys', 'server: { host: §myhost }', /^server\.host opens the proxy/],
  ['one port for both listeners', 'operator: { port: §8080 }', /^operator\.port is also the port for apps/],
  [
    'a recvWindow beyond what Binance takes',
    'recvWindowMs: §60001',
    'recvWindowMs must be a whole number from 1 to 60000.',
  ],
  ['a recvWindow of zero', 'recvWindowMs: §0', 'recvWindowMs must be a whole number from 1 to 60000.'],
  [
    'clear text to the network',
    'upstreams: { spot: §http://api.binance.com }',
    /^upstreams\.spot must begin with https:\/\/: http:\/\/ is accepted for a loopback/,
  ],
  [
    'a loopback look-alike',
    'upstreams: { spot: §http://127.0.0.1.evil.test }',
    /^upstreams\.spot must begin with https/,
  ],
  [
    'an upstream with a path',
    'upstreams: { usdm: §https://x.test/fapi }',
    /^upstreams\.usdm must be an origin without path/,
  ],
  [
    'an upstream with a user',
    'upstreams: { coinm: §https://u:p@x.test }',
    /^upstreams\.coinm must be an origin without path/,
  ],
  [
    'an upstream with a query',
    'upstreams: { options: §"https://x.test?" }',
    /^upstreams\.options must be an origin without path/,
  ],
  [
    'an upstream of another scheme',
    'upstreams: { spot: §wss://x.test }',
    /^upstreams\.spot must be an origin that begins with https:/,
  ],
  [
    'a stream by https',
    'upstreams: { spotStream: §https://x.test }',
    /^upstreams\.spotStream must be an origin that begins with wss:/,
  ],
  [
    'a stream in clear text',
    'upstreams: { usdmStream: §ws://x.test }',
    /^upstreams\.usdmStream must begin with wss:/,
  ],
  [
    'an upstream that does not exist',
    'upstreams: { §sopt: https://x.test }',
    'upstreams.sopt is not a known key: did you mean spot?',
  ],
  [
    'a missing CA file',
    'upstreamCaFile: §none.pem',
    /^upstreamCaFile names a file that cannot be read \(ENOENT\)/,
  ],
  [
    'a CA file without a certificate',
    'upstreamCaFile: §config/proxy.yaml',
    /^upstreamCaFile names a file without a valid PEM certificate/,
  ],
  [
    'a share above one half',
    'throttle: { reserveForOrders: §0.6 }',
    'throttle.reserveForOrders must be a number from 0 to 0.5.',
  ],
  ['a negative share', 'throttle: { reserveForOrders: §-0.1 }', /^throttle\.reserveForOrders must be/],
  [
    'a share that is no number',
    'throttle: { reserveForOrders: §.nan }',
    /^throttle\.reserveForOrders must be/,
  ],
  [
    'an endless wait',
    'throttle: { maxWaitMs: §60001 }',
    'throttle.maxWaitMs must be a whole number from 0 to 60000.',
  ],
  ['no replica', 'throttle: { replicas: §0 }', /^throttle\.replicas must be/],
  ['an unknown durability', 'audit: { durability: §ram }', 'audit.durability must be one of: process, disk.'],
  [
    'an egress proxy in the file',
    'egress: §http://user:word-of-the-office@proxy.test:3128',
    /^egress is no place for the address of a proxy, .* set <envPrefix>_EGRESS_PROXY in the environment/,
  ],
  [
    'an egress proxy under a key of its own',
    'egress:\n  §proxy: http://user:word-of-the-office@proxy.test:3128',
    /^egress\.proxy is no place for the address of a proxy/,
  ],
  [
    'an egress proxy as the prefix of an account',
    'accounts: { main: { envPrefix: BINANCE, egress: { envPrefix: §"socks5://user:word-of-the-office@proxy.test" } } }',
    /^accounts\.main\.egress\.envPrefix is no place for the address of a proxy/,
  ],
  [
    'an egress proxy as a local address',
    'egress: { localAddress: §"http://user:word-of-the-office@10.0.0.1" }',
    /^egress\.localAddress is no place for the address of a proxy/,
  ],
  [
    'a local address that is a name',
    'egress: { localAddress: §eth0 }',
    'egress.localAddress must be an IP address of this machine.',
  ],
  [
    'a local address that is none',
    'egress: { localAddress: §10.0.0.256 }',
    'egress.localAddress must be an IP address of this machine.',
  ],
  [
    'an egress of an account that leads nowhere',
    'accounts: { main: { envPrefix: BINANCE, §egress: { id: two } } }',
    'accounts.main.egress names no way out: give it envPrefix for a proxy, or localAddress.',
  ],
  [
    'two names of the same egress',
    'egressId: one\negress: { id: §two }',
    'egress.id is another one than egressId, which means the same: set one of them.',
  ],
  ['an egress id with a space', 'egress: { id: §a b }', /^egress\.id must be up to 64 letters/],
  ['an egress id with a colon', 'egressId: §"a:b"', /^egressId must be up to 64 letters/],
  ['an unknown level', 'logLevel: §verbose', /^logLevel must be one of: trace, debug/],
  ['an unknown preflight', 'keyPreflight: §maybe', 'keyPreflight must be one of: enforce, warn, off.'],
  ['an empty section', '§server:', 'server is empty: give it a value or remove the key.'],
  ['a list instead of a mapping', '§- environment: live', 'The file must be a mapping of keys to values.'],
  [
    'no account',
    'accounts: §{}',
    /^accounts must be a mapping of account names to accounts, with one at least/,
  ],
  ['an account without a prefix', 'accounts: { §main: {} }', 'accounts.main needs envPrefix.'],
  [
    'a prefix in lower case',
    'accounts: { main: { envPrefix: §binance } }',
    /^accounts\.main\.envPrefix must be an upper-case name/,
  ],
  [
    'an account name with a space',
    'accounts: { §"my account": { envPrefix: BINANCE } }',
    /is not a name: use up to 64 letters/,
  ],
  [
    'two accounts with one prefix',
    'accounts: { a: { envPrefix: BINANCE }, b: { envPrefix: §BINANCE } }',
    /^accounts\.b\.envPrefix is also the one of account a/,
  ],
  [
    'a secret in an account',
    'accounts: { main: { envPrefix: BINANCE, §apiKey: x } }',
    /^accounts\.main\.apiKey looks like a secret, and secrets never stand in this file/,
  ],
  [
    'a secret in a client',
    'clients: { bot: { envPrefix: BOT, §clientSecret: x } }',
    /^clients\.bot\.clientSecret looks like a secret.*<envPrefix>_CLIENT_KEY/,
  ],
  [
    'a public key in a client',
    'clients: { bot: { envPrefix: BOT, §clientPublicKey: x } }',
    /^clients\.bot\.clientPublicKey does not belong here: set <envPrefix>_CLIENT_PUBLIC_KEY/,
  ],
  ['a private key', '§privateKey: x', /^privateKey looks like a secret/],
  ['a password', 'server: { §password: x }', /^server\.password looks like a secret/],
  [
    'an address of Redis',
    '§redisUrl: redis://x',
    /^redisUrl does not belong here: set BINANCE_PROXY_REDIS_URL/,
  ],
  ['an audit key', 'audit: { §key: x }', /^audit\.key is a secret.*BINANCE_PROXY_AUDIT_KEY/],
  ['a client without a prefix', 'clients: { §bot: { account: main } }', 'clients.bot needs envPrefix.'],
  [
    'a client of no account',
    'clients: { bot: { account: §mian, envPrefix: BOT } }',
    /^clients\.bot\.account names no account/,
  ],
  [
    'a client without a key',
    'clients: { §web: { envPrefix: WEB } }',
    /^clients\.web has no key: set WEB_CLIENT_KEY \(or WEB_CLIENT_KEY_FILE\)/,
  ],
  [
    'two clients with one prefix',
    'clients: { a: { envPrefix: BOT }, b: { envPrefix: §BOT } }',
    /^clients\.b\.envPrefix is also the one of client a/,
  ],
  [
    'a client name with a space',
    'clients: { §"my bot": { envPrefix: BOT } }',
    /is not a name: use up to 64 letters/,
  ],
  ['a client named like the prototype', 'clients: { §__proto__: { envPrefix: BOT } }', /is not a name/],
  [
    'an unknown permission',
    'clients: { bot: { envPrefix: BOT, permissions: [read, §trade] } }',
    /^clients\.bot\.permissions\[1\] must be one of: market-data, read,/,
  ],
  [
    'the permission to withdraw',
    'clients: { bot: { envPrefix: BOT, permissions: [§withdraw] } }',
    /^clients\.bot\.permissions\[0\] asks for withdraw, whose endpoints stand on the built-in denylist/,
  ],
  [
    'the permission to administer',
    'clients: { bot: { envPrefix: BOT, permissions:\n  [§account-admin] } }',
    /asks for account-admin, whose endpoints stand on the built-in denylist/,
  ],
  [
    'no permission',
    'clients: { bot: { envPrefix: BOT, permissions: §[] } }',
    /^clients\.bot\.permissions must be a list of permissions with one at least/,
  ],
  [
    'a symbol in lower case',
    'clients: { bot: { envPrefix: BOT, symbols: [BTCUSDT, §ethUSDT] } }',
    /^clients\.bot\.symbols\[1\] must be a symbol as Binance spells it, in upper case/,
  ],
  [
    'a symbol with a slash',
    'clients: { bot: { envPrefix: BOT, symbols: [§BTC/USDT] } }',
    /^clients\.bot\.symbols\[0\] must be a symbol/,
  ],
  [
    'a symbol with an invisible character',
    'clients: { bot: { envPrefix: BOT, symbols: [§BTC\u200bUSDT] } }',
    /^clients\.bot\.symbols\[0\] must be a symbol/,
  ],
  ['no symbol', 'clients: { bot: { envPrefix: BOT, symbols: §[] } }', /leave it out to allow all/],
  [
    'an order type in lower case',
    'clients: { bot: { envPrefix: BOT, order: { types: [§limit] } } }',
    /^clients\.bot\.order\.types\[0\] must be an order type/,
  ],
  [
    'a negative notional',
    'clients: { bot: { envPrefix: BOT, order: { maxNotional: { USDT: §-5 } } } }',
    /^clients\.bot\.order\.maxNotional\.USDT must be a decimal number above zero/,
  ],
  [
    'a notional of zero',
    'clients: { bot: { envPrefix: BOT, order: { maxNotional: { USDT: §"0.00" } } } }',
    /must be a decimal number above zero/,
  ],
  [
    'a notional that is no number',
    'clients: { bot: { envPrefix: BOT, order: { maxNotional: { USDT: §.nan } } } }',
    /must be a decimal number above zero/,
  ],
  [
    'an endless notional',
    'clients: { bot: { envPrefix: BOT, order: { maxNotional: { USDT: §"Infinity" } } } }',
    /must be a decimal number above zero/,
  ],
  [
    'a notional with an exponent',
    'clients: { bot: { envPrefix: BOT, order: { maxNotional: { USDT: §"1e9" } } } }',
    /must be a decimal number above zero/,
  ],
  [
    'a notional as a fraction',
    'clients: { bot: { envPrefix: BOT, order: { maxNotionalPerDay: { USDT: §0.1 } } } }',
    /is a YAML number with a fraction.*put it in quotes/,
  ],
  [
    'a notional with too many digits',
    'clients: { bot: { envPrefix: BOT, order: { maxNotional: { USDT: §12345678901234567890 } } } }',
    /with too many digits/,
  ],
  [
    'an asset in lower case',
    'clients: { bot: { envPrefix: BOT, order: { maxNotional: { §usdt: "5" } } } }',
    /maxNotional\.usdt is not an asset as Binance spells it/,
  ],
  [
    'no orders a day',
    'clients: { bot: { envPrefix: BOT, order: { maxPerDay: §0 } } }',
    /maxPerDay must be a whole number of at least 1/,
  ],
  [
    'a largest leverage of nothing',
    'clients: { bot: { envPrefix: BOT, order: { maxLeverage: §0 } } }',
    /maxLeverage must be a whole number of at least 1/,
  ],
  [
    'no resting orders',
    'clients: { bot: { envPrefix: BOT, order: { maxOpen: §0 } } }',
    /maxOpen must be a whole number of at least 1/,
  ],
  ...(
    [
      ['whose account is not watched', '', 'spot-margin-trade', '', 'spot'],
      [
        'whose account is watched elsewhere',
        'watch: [spot]',
        'spot-margin-trade, futures-trade',
        '',
        'usdm and coinm',
      ],
      ['of symbols of USD-M', 'watch: [coinm]', 'futures-trade', 'symbols: [BTCUSDT, ETHUSDT], ', 'usdm'],
      [
        'of symbols of COIN-M',
        'watch: [usdm]',
        'futures-trade',
        'symbols: [BTCUSD_PERP, BTCUSD_270625], ',
        'coinm',
      ],
    ] as const
  ).map(([name, watch, permissions, symbols, missing]): [string, string, RegExp] => [
    `a number of resting orders ${name}`,
    `accounts: { main: { envPrefix: BINANCE, ${watch} } }\nclients: { bot: { envPrefix: BOT, permissions: [${permissions}], ${symbols}order: { maxOpen: §5 } } }`,
    new RegExp(`maxOpen needs the watch over what rests: add ${missing} to accounts\\.main\\.watch\\.`),
  ]),
  ...(
    [
      ['in percent without its sign', '5'],
      ['of nothing', '0%'],
      ['of nothing, as a fraction', '0.0'],
      ['of all', '100%'],
      ['of all, as a fraction', '1'],
      ['below nothing', '"-5%"'],
      ['with a space', '"5 %"'],
      ['with a comma', '"0,05"'],
      ['as a word', 'wide'],
      ['that is no number', '.nan'],
      ['with an exponent', '"5e-2"'],
      ['as a list', '[5%]'],
    ] as const
  ).flatMap(([what, value]): [string, string, RegExp][] =>
    ['priceBand', 'maxSpread'].map((rule) => [
      `a ${rule} ${what}`,
      `clients: { bot: { envPrefix: BOT, order: { ${rule}: §${value} } } }`,
      /(?:priceBand|maxSpread) must be a percentage below 100 such as 5%, or the same as a fraction such as 0\.05\.$/,
    ]),
  ),
  ...['perSecond', 'perMinute'].map((rule): [string, string, RegExp] => [
    `a ${rule} of nothing`,
    `clients: { bot: { envPrefix: BOT, order: { ${rule}: §0 } } }`,
    /(?:perSecond|perMinute) must be a whole number of at least 1/,
  ]),
  [
    'repeats without their time',
    'clients: { bot: { envPrefix: BOT, order: { §repeats: { max: 3 } } } }',
    /repeats needs withinMs/,
  ],
  [
    'repeats within longer than an hour',
    'clients: { bot: { envPrefix: BOT, order: { repeats: { max: 3, withinMs: §3600001 } } } }',
    /withinMs must be a whole number from 1 to 3600000/,
  ],
  [
    'refusals with a fraction',
    'clients: { bot: { envPrefix: BOT, stopAfterRefusals: §2.5 } }',
    /stopAfterRefusals must be a whole number of at least 1/,
  ],
  ...['2027-02-30', '2027-13-01', '2027-3-1', '01.03.2027', '"2027-03-01T12:00Z"', '20270301'].map(
    (day): [string, string, RegExp] => [
      `an end on ${day}`,
      `clients: { bot: { envPrefix: BOT, expires: §${day} } }`,
      /expires must be a day of the calendar such as 2027-03-01/,
    ],
  ),
  [
    'an order limit beside the order',
    'clients: { bot: { envPrefix: BOT, §priceBand: 5% } }',
    /^clients\.bot\.priceBand is not a known key/,
  ],
  [
    'a weight with a fraction',
    'clients: { bot: { envPrefix: BOT, weightPerMinute: §1.5 } }',
    /weightPerMinute must be a whole number/,
  ],
  [
    'a negative rate',
    'clients: { bot: { envPrefix: BOT, requestsPerSecond: §-1 } }',
    /requestsPerSecond must be a whole number/,
  ],
  [
    'an unknown policy',
    'clients: { bot: { envPrefix: BOT, policy: { mode: §log } } }',
    /policy\.mode must be one of: enforce, report/,
  ],
  [
    'a signature that cannot be verified',
    'clients: { bot: { envPrefix: BOT_A, requireSignature: §true } }',
    /requireSignature needs an issued secret to verify with: set BOT_A_CLIENT_SECRET/,
  ],
  [
    'a signature as text',
    'clients: { bot: { envPrefix: BOT, requireSignature: §"yes" } }',
    /requireSignature must be true or false/,
  ],
  [
    'a permission for anonymous',
    'clients: { anonymous: { §permissions: [read] } }',
    /^clients\.anonymous\.permissions is not a known key: known here are enabled,/,
  ],
  [
    'an anonymous client with keys',
    'clients: { anonymous: { §envPrefix: X } }',
    /^clients\.anonymous\.envPrefix is not a known key/,
  ],
  [
    'a key that stands twice',
    'recvWindowMs: 1\n§recvWindowMs: 2',
    'This key stands twice: keep one of them.',
  ],
  ['an alias without an anchor', 'egressId: §*nobody', /^An alias .* has no anchor/],
  ['a tag', 'egressId: §!secret x', /^A tag .* is not known here/],
  ['two documents', 'recvWindowMs: 1\n§---\nrecvWindowMs: 2', /more than one document/],
  ['a tab', 'server:\n§\tport: 1', /tab/],
];

describe('a wrong value in the file', () => {
  it.each(files)('A wrong value in the file is reported where it stands: %s', (_, marked, expected) => {
    const before = marked.slice(0, marked.indexOf('§')).split('\n');
    const position = { source: 'config/proxy.yaml', line: before.length, column: before.at(-1)!.length + 1 };
    const env = { ...BOT, BOT_A_CLIENT_KEY: 'bot-a-key' };
    const problems = problemsOf(env, { 'config/proxy.yaml': marked.replace('§', '') });
    const message = typeof expected === 'string' ? expected : expect.stringMatching(expected);
    expect(problems).toContainEqual({ message, ...position });
    expect(problems).toHaveLength(1);
  });

  it('A wrong value is reported together with all others, of the file and of the environment', () => {
    const yaml = `environment: prod
server: { prot: 1 }
clients:
  bot:
    envPrefix: BOT
    permissions: [withdraw, reed]
    symbols: [btcusdt]
    order: { maxNotional: { USDT: -1 } }
denylist: deny.yaml
`;
    const deny = 'deny:\n  - path: sapi/v1/x\n    reason: r\n  - { path: /sapi/v1/y }\n';
    const env = { BINANCE_API_KEY: 'a b', BINANCE_PROXY_PORT: 'x', BINANCE_PROXY_HOSTS: 'y' };
    try {
      loadSettings({ env, cwd: folderWith({ 'config/proxy.yaml': yaml, 'deny.yaml': deny }) });
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
      const lines = formatProblems(error as ConfigError).split('\n');
      expect(lines.map((line) => line.split(' ')[0])).toEqual([
        'config/proxy.yaml:1:14',
        'config/proxy.yaml:2:11',
        'config/proxy.yaml:6:19',
        'config/proxy.yaml:6:29',
        'config/proxy.yaml:7:15',
        'config/proxy.yaml:8:35',
        'BINANCE_PROXY_PORT',
        'BINANCE_API_KEY',
        'Neither',
        'config/proxy.yaml:4:3',
        'deny.yaml:2:11',
        'deny.yaml:4:5',
        'BINANCE_PROXY_HOSTS',
      ]);
      expect((error as ConfigError).message).toBe(lines.join('\n'));
    }
  });

  it('A hundred wrong keys are all reported', () => {
    const yaml = Array.from({ length: 100 }, (_, index) => `unknown${index}: 1`).join('\n');
    const lines = problemsOf(ACCOUNT, { 'config/proxy.yaml': yaml }).map(({ line }) => line);
    expect(lines).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
  });

  it('A file that is no YAML is reported without guesses about accounts and clients', () => {
    const problems = problemsOf({ BINANCE_PROXY_PORT: 'x' }, { 'config/proxy.yaml': 'clients: [\n' });
    expect(problems.map(({ source }) => source)).toEqual(
      expect.arrayContaining(['config/proxy.yaml', 'BINANCE_PROXY_PORT']),
    );
    expect(problems.some(({ message }) => message.includes('BINANCE_API_KEY'))).toBe(false);
  });

  it('A file that is nested or repeated beyond measure is reported', () => {
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x,x]\n${'bcdefghi'.replaceAll(/./g, (n) => `${n}: &${n} [${`*${String.fromCharCode(n.charCodeAt(0) - 1)},`.repeat(10)}]\n`)}`;
    for (const yaml of [bomb, '['.repeat(100_000), `a: &a { b: *a }`]) {
      expect(problemsOf(ACCOUNT, { 'config/proxy.yaml': yaml }).length).toBeGreaterThan(0);
    }
  });

  it('A wrong value behind an alias is reported where it stands', () => {
    const yaml = `clients:
  a: &rules { envPrefix: BOT, order: { types: [limit] } }
  b: *rules
`;
    const lines = problemsOf(BOT, { 'config/proxy.yaml': yaml }).map(
      ({ line, column }) => `${line}:${column}`,
    );
    expect(lines).toEqual(expect.arrayContaining(['2:48']));
  });
});

describe('a wrong variable', () => {
  it.each([
    ['BINANCE_PROXY_PORT', '8080x', 'BINANCE_PROXY_PORT must be a whole number from 0 to 65535.'],
    [
      'BINANCE_PROXY_PORT',
      'tcp://10.0.0.1:8080',
      'BINANCE_PROXY_PORT must be a whole number from 0 to 65535.',
    ],
    ['BINANCE_PROXY_PORT', '-1', 'BINANCE_PROXY_PORT must be a whole number from 0 to 65535.'],
    [
      'BINANCE_PROXY_RECV_WINDOW_MS',
      '1e3',
      'BINANCE_PROXY_RECV_WINDOW_MS must be a whole number from 1 to 60000.',
    ],
    [
      'BINANCE_PROXY_ENVIRONMENT',
      'Live',
      'BINANCE_PROXY_ENVIRONMENT must be one of: live, testnet, demo, simulator.',
    ],
    [
      'BINANCE_PROXY_UPSTREAM_SPOT',
      'http://10.0.0.1',
      'BINANCE_PROXY_UPSTREAM_SPOT must begin with https://: http:// is accepted for a loopback address only.',
    ],
    [
      'BINANCE_PROXY_ALLOWED_HOSTS',
      'http://x',
      'BINANCE_PROXY_ALLOWED_HOSTS must be a host name or an IP address without scheme, port and brackets.',
    ],
    ['BINANCE_PROXY_REPLICAS', '0', 'BINANCE_PROXY_REPLICAS must be a whole number from 1 to 10000.'],
    [
      'BINANCE_PROXY_HOSTS',
      'x',
      'BINANCE_PROXY_HOSTS is not a known variable: did you mean BINANCE_PROXY_HOST?',
    ],
    [
      'BINANCE_PROXY_UPSTREAM_SPOTT',
      'x',
      'BINANCE_PROXY_UPSTREAM_SPOTT is not a known variable: did you mean BINANCE_PROXY_UPSTREAM_SPOT?',
    ],
    [
      'BINANCE_PROXY_COLOUR',
      'x',
      'BINANCE_PROXY_COLOUR is not a known variable: remove it, or see docs/configuration.md for the names.',
    ],
    [
      'BINANCE_PROXY_SERVICE_HOST',
      '10.0.0.1',
      'BINANCE_PROXY_SERVICE_HOST is not a known variable: Kubernetes adds it for a Service named binance-proxy; set enableServiceLinks: false on the pod.',
    ],
    [
      'BINANCE_PROXY_CLIENT_SECRET',
      'x',
      'BINANCE_PROXY_CLIENT_SECRET is set, but BINANCE_PROXY_CLIENT_KEY is not: set both, as `client new` issued them.',
    ],
    [
      'BINANCE_PROXY_REDIS_URL',
      'localhost:6379',
      'BINANCE_PROXY_REDIS_URL must be an address such as redis://host:6379 or rediss://user:password@host:6379/0.',
    ],
    [
      'BINANCE_PROXY_REDIS_URL',
      'http://localhost',
      'BINANCE_PROXY_REDIS_URL must be an address such as redis://host:6379 or rediss://user:password@host:6379/0.',
    ],
    [
      'BINANCE_PROXY_HOST',
      '0.0.0.0',
      'BINANCE_PROXY_HOST opens the proxy to other machines, but no client key is configured: set BINANCE_PROXY_CLIENT_KEY to a key that `client new` creates, or listen on localhost.',
    ],
    [
      'BINANCE_PROXY_UPSTREAM_CA_FILE',
      'none.pem',
      'BINANCE_PROXY_UPSTREAM_CA_FILE names a file that cannot be read (ENOENT): set it to a PEM file.',
    ],
  ])('A wrong %s=%s is reported by its name', (name, value, message) => {
    expect(problemsOf({ ...ACCOUNT, [name]: value })).toEqual([{ message, source: name }]);
  });

  it('A wrong variable is reported although the file has a right value there', () => {
    const yaml = 'server: { port: 9000 }';
    expect(messagesOf({ ...ACCOUNT, BINANCE_PROXY_PORT: 'x' }, { 'config/proxy.yaml': yaml })).toHaveLength(
      1,
    );
  });

  it('An unknown variable is accepted when only a configured prefix explains it', () => {
    const yaml = 'clients: { bot: { envPrefix: BINANCE_PROXY_BOT } }';
    const env = { ...ACCOUNT, BINANCE_PROXY_BOT_CLIENT_KEY: 'bot-key' };
    expect(messagesOf(env, { 'config/proxy.yaml': yaml })).toEqual([]);
    expect(messagesOf(env)).toHaveLength(1);
  });

  it('An issued key that no client of the file has is reported', () => {
    const yaml = 'clients: { bot: { envPrefix: BOT } }';
    const env = { ...BOT, BINANCE_PROXY_CLIENT_KEY: 'unused' };
    expect(messagesOf(env, { 'config/proxy.yaml': yaml })).toEqual([
      'BINANCE_PROXY_CLIENT_KEY is set, but the file names the clients and none has envPrefix: BINANCE_PROXY: remove the variable, or give a client that prefix.',
    ]);
  });
});

describe('a listener that other machines reach', () => {
  it.each(['0.0.0.0', '::', '192.168.1.5', 'proxy.internal'])('With a client key %s is accepted', (host) => {
    const env = { ...ACCOUNT, BINANCE_PROXY_HOST: host };
    expect(messagesOf(env)).toHaveLength(1);
    expect(messagesOf({ ...env, BINANCE_PROXY_CLIENT_KEY: 'issued' })).toEqual([]);
  });

  it.each(['localhost', 'LOCALHOST', '127.0.0.1', '127.9.9.9', '::1', '0:0:0:0:0:0:0:1'])(
    'The host %s needs no client key',
    (host) => {
      expect(messagesOf({ ...ACCOUNT, BINANCE_PROXY_HOST: host })).toEqual([]);
    },
  );

  it('A Unix socket needs no client key', () => {
    expect(
      messagesOf({ ...ACCOUNT, BINANCE_PROXY_HOST: '0.0.0.0', BINANCE_PROXY_SOCKET: '/run/p.sock' }),
    ).toEqual([]);
  });

  it('A public host whose client key is wrong is reported only once', () => {
    const env = { ...ACCOUNT, BINANCE_PROXY_HOST: '0.0.0.0', BINANCE_PROXY_CLIENT_KEY: 'two words' };
    expect(messagesOf(env)).toEqual([expect.stringContaining('BINANCE_PROXY_CLIENT_KEY contains a space')]);
  });
});

describe('one port for both listeners', () => {
  it.each([
    ['0', '0', 'localhost', 0],
    ['8081', '8081', 'localhost', 1],
    ['8081', '8081', '127.0.0.1', 1],
    ['8081', '8081', '127.0.0.2', 0],
    ['8081', '8082', 'localhost', 0],
    ['8081', '8081', '0.0.0.0', 1],
  ])('The app port %s and operator port %s on %s give %i problems', (port, operatorPort, host, count) => {
    const env = { ...ACCOUNT, BINANCE_PROXY_PORT: port, BINANCE_PROXY_OPERATOR_PORT: operatorPort };
    const issued = { BINANCE_PROXY_CLIENT_KEY: 'issued' };
    expect(messagesOf({ ...env, ...issued, BINANCE_PROXY_HOST: host })).toHaveLength(count);
    const swapped = { ...issued, BINANCE_PROXY_HOST: '127.0.0.1', BINANCE_PROXY_OPERATOR_HOST: host };
    expect(messagesOf({ ...env, ...swapped })).toHaveLength(count);
  });
});

describe('a wrong denylist', () => {
  it.each([
    ['deny:\n  - { path: §sapi/v1/x, reason: r }', /^deny\[0\]\.path must be a path/],
    ['deny:\n  - { path: §/sapi/**/x, reason: r }', /^deny\[0\]\.path never matches/],
    [
      'deny:\n  - { path: /sapi/v1/x, reason: r }\n  - { path: §/spai/v1/x, reason: r }',
      /^deny\[1\]\.path never matches/,
    ],
    ['deny:\n  - §{ path: /sapi/v1/x }', /^deny\[0\] needs reason/],
    ['deny:\n  - { path: /sapi/v1/x, reason: §"" }', /^deny\[0\]\.reason must say in one line/],
    ['§allow: []\ndeny: []', /^allow is not a known key/],
    ['§{}', /^The file needs deny/],
  ])('A wrong denylist is reported where it stands: %s', (marked, message) => {
    const before = marked.slice(0, marked.indexOf('§')).split('\n');
    expect(problemsOf(ACCOUNT, { 'config/denylist.yaml': marked.replace('§', '') })).toEqual([
      {
        message: expect.stringMatching(message),
        source: 'config/denylist.yaml',
        line: before.length,
        column: before.at(-1)!.length + 1,
      },
    ]);
  });

  it('A denylist that is a folder is reported', () => {
    const cwd = folderWith();
    mkdirSync(join(cwd, 'config/denylist.yaml'), { recursive: true });
    expect(problemsIn(cwd, ACCOUNT)).toEqual([
      {
        message: expect.stringMatching(/^config\/denylist\.yaml cannot be read \(EISDIR\)/),
        source: 'config/denylist.yaml',
      },
    ]);
  });
});
