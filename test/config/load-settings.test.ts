import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadSettings } from '../../src/config/load-settings.ts';
import type { Settings } from '../../src/config/schema/settings.ts';
import { DEFAULT_PERMISSIONS, SINGLE_CLIENT_PERMISSIONS } from '../../src/core/catalogue/permission.ts';
import {
  ACCOUNT,
  type Files,
  folderWith,
  messagesOf,
  type Variables,
} from '../support/fixtures/config-folder.ts';

function load(env: Variables = {}, files: Files = {}): Settings {
  return loadSettings({ env: { ...ACCOUNT, ...env }, cwd: folderWith(files) });
}

/** Variable, value, and what the settings then say; the same value from YAML must be overruled. */
const variables: readonly [
  name: string,
  value: string,
  read: (settings: Settings) => unknown,
  expected: unknown,
  fallback: unknown,
][] = [
  ['BINANCE_PROXY_ENVIRONMENT', 'demo', (s) => s.environment, 'demo', 'live'],
  ['BINANCE_PROXY_HOST', '127.0.0.2', (s) => s.server.host, '127.0.0.2', 'localhost'],
  ['BINANCE_PROXY_PORT', '9999', (s) => s.server.port, 9999, 8080],
  ['BINANCE_PROXY_SOCKET', '/run/proxy.sock', (s) => s.server.socket, '/run/proxy.sock', undefined],
  [
    'BINANCE_PROXY_ALLOWED_HOSTS',
    ' Proxy, other.local,',
    (s) => s.server.allowedHosts,
    ['proxy', 'other.local'],
    [],
  ],
  ['BINANCE_PROXY_OPERATOR_HOST', '0.0.0.0', (s) => s.operator.host, '0.0.0.0', '127.0.0.1'],
  ['BINANCE_PROXY_OPERATOR_PORT', '0', (s) => s.operator.port, 0, 8081],
  ['BINANCE_PROXY_RECV_WINDOW_MS', '60000', (s) => s.recvWindowMs, 60_000, 5000],
  [
    'BINANCE_PROXY_UPSTREAM_SPOT',
    'https://api1.binance.com/',
    (s) => s.upstreams.spot,
    'https://api1.binance.com',
    'https://api.binance.com',
  ],
  [
    'BINANCE_PROXY_UPSTREAM_USDM',
    'http://127.0.0.1:9',
    (s) => s.upstreams.usdm,
    'http://127.0.0.1:9',
    'https://fapi.binance.com',
  ],
  [
    'BINANCE_PROXY_UPSTREAM_COINM',
    'http://[::1]:9',
    (s) => s.upstreams.coinm,
    'http://[::1]:9',
    'https://dapi.binance.com',
  ],
  [
    'BINANCE_PROXY_UPSTREAM_OPTIONS',
    'http://localhost:9',
    (s) => s.upstreams.options,
    'http://localhost:9',
    'https://eapi.binance.com',
  ],
  [
    'BINANCE_PROXY_UPSTREAM_PORTFOLIO',
    'https://x.test:8443',
    (s) => s.upstreams.portfolio,
    'https://x.test:8443',
    'https://papi.binance.com',
  ],
  [
    'BINANCE_PROXY_UPSTREAM_WEB',
    'https://www.binance.com',
    (s) => s.upstreams.web,
    'https://www.binance.com',
    undefined,
  ],
  [
    'BINANCE_PROXY_UPSTREAM_SPOT_WS_API',
    'wss://a.test:9443',
    (s) => s.socketUpstreams.spotWsApi,
    'wss://a.test:9443',
    'wss://ws-api.binance.com',
  ],
  [
    'BINANCE_PROXY_UPSTREAM_SPOT_STREAM',
    'ws://127.0.0.1:9',
    (s) => s.socketUpstreams.spotStream,
    'ws://127.0.0.1:9',
    'wss://stream.binance.com',
  ],
  [
    'BINANCE_PROXY_UPSTREAM_USDM_WS_API',
    'wss://a.test',
    (s) => s.socketUpstreams.usdmWsApi,
    'wss://a.test',
    'wss://ws-fapi.binance.com',
  ],
  [
    'BINANCE_PROXY_UPSTREAM_USDM_STREAM',
    'wss://a.test',
    (s) => s.socketUpstreams.usdmStream,
    'wss://a.test',
    'wss://fstream.binance.com',
  ],
  [
    'BINANCE_PROXY_UPSTREAM_COINM_WS_API',
    'wss://a.test',
    (s) => s.socketUpstreams.coinmWsApi,
    'wss://a.test',
    'wss://ws-dapi.binance.com',
  ],
  [
    'BINANCE_PROXY_UPSTREAM_COINM_STREAM',
    'wss://a.test',
    (s) => s.socketUpstreams.coinmStream,
    'wss://a.test',
    'wss://dstream.binance.com',
  ],
  ['BINANCE_PROXY_KEY_PREFLIGHT', 'warn', (s) => s.keyPreflight, 'warn', 'enforce'],
  ['BINANCE_PROXY_AUDIT_DIR', '/var/audit', (s) => s.audit.dir, '/var/audit', undefined],
  ['BINANCE_PROXY_AUDIT_DURABILITY', 'disk', (s) => s.audit.durability, 'disk', 'process'],
  ['BINANCE_PROXY_STATE_DIR', '/var/state', (s) => s.stateDir, '/var/state', undefined],
  ['BINANCE_PROXY_REPLICAS', '4', (s) => s.throttle.replicas, 4, 1],
  ['BINANCE_PROXY_EGRESS_ID', 'tokyo-1', (s) => s.egress.main.id, 'tokyo-1', 'default'],
  [
    'BINANCE_PROXY_EGRESS_LOCAL_ADDRESS',
    '192.0.2.7',
    (s) => s.egress.main.localAddress,
    '192.0.2.7',
    undefined,
  ],
  ['BINANCE_PROXY_LOG_LEVEL', 'debug', (s) => s.logLevel, 'debug', 'info'],
];

describe('the environment', () => {
  it.each(variables)('Variable %s=%s is read and has a default', (name, value, read, expected, fallback) => {
    expect(read(load({ [name]: value }))).toEqual(expected);
    expect(read(load())).toEqual(fallback);
    expect(read(load({ [name]: '' }))).toEqual(fallback);
  });

  it('A variable names the group of a socket', () => {
    const env = { BINANCE_PROXY_SOCKET: 'proxy.sock', BINANCE_PROXY_SOCKET_GROUP: 'trading' };
    const cwd = folderWith();
    const { server } = loadSettings({ env: { ...ACCOUNT, ...env }, cwd });
    expect(server).toMatchObject({ socket: join(cwd, 'proxy.sock'), socketGroup: 'trading' });
  });

  it('The environment wins over the file, which wins over the defaults', () => {
    const files = { 'config/proxy.yaml': 'server: { host: 127.0.0.9, port: 7000, allowedHosts: [a] }\n' };
    const { server } = load({ BINANCE_PROXY_PORT: '7001', BINANCE_PROXY_ALLOWED_HOSTS: 'b' }, files);
    expect(server).toMatchObject({ host: '127.0.0.9', port: 7001, allowedHosts: ['b'] });
  });

  it('The environment wins over the file also where the environment name decides a default', () => {
    const files = { 'config/proxy.yaml': 'environment: testnet\n' };
    expect(load({}, files).keyPreflight).toBe('off');
    expect(load({ BINANCE_PROXY_ENVIRONMENT: 'live' }, files).keyPreflight).toBe('enforce');
  });

  it.each([
    ['SPOT', 'https://api.binance.com'],
    ['SPOT', 'https://testnet.binance.vision,https://api3.binance.com'],
    ['SPOT', 'https://API-GCP.Binance.com.:443'],
    ['USDM', 'https://fapi.binance.com'],
    ['COINM', 'https://dapi.binance.com'],
    ['OPTIONS', 'https://eapi.binance.com'],
    ['PORTFOLIO', 'https://papi.binance.com'],
    ['SPOT_WS_API', 'wss://ws-api.binance.com:9443'],
    ['USDM_WS_API', 'wss://ws-fapi.binance.com'],
  ])(
    'An environment of any name with the live origin %s=%s checks its keys unless told otherwise',
    (name, origin) => {
      for (const environment of ['testnet', 'demo', 'simulator']) {
        const env = { BINANCE_PROXY_ENVIRONMENT: environment, [`BINANCE_PROXY_UPSTREAM_${name}`]: origin };
        expect(load(env)).toMatchObject({ keyPreflight: 'enforce', isLive: true });
        expect(load({ ...env, BINANCE_PROXY_KEY_PREFLIGHT: 'warn' }).keyPreflight).toBe('warn');
      }
    },
  );

  it('An environment without a live origin does not check its keys unless told to', () => {
    for (const environment of ['testnet', 'demo', 'simulator'])
      expect(load({ BINANCE_PROXY_ENVIRONMENT: environment })).toMatchObject({
        keyPreflight: 'off',
        isLive: false,
      });
    const elsewhere = { BINANCE_PROXY_UPSTREAM_SPOT: 'https://api.binance.com.example.test' };
    expect(load({ BINANCE_PROXY_ENVIRONMENT: 'testnet', ...elsewhere }).isLive).toBe(false);
  });

  it('The environment names the file to read, which must then exist', () => {
    const files = { 'my.yaml': 'recvWindowMs: 100\n', 'config/proxy.yaml': 'recvWindowMs: 200\n' };
    expect(load({ BINANCE_PROXY_CONFIG: 'my.yaml' }, files).recvWindowMs).toBe(100);
    expect(load({}, files).recvWindowMs).toBe(200);
    expect(messagesOf({ ...ACCOUNT, BINANCE_PROXY_CONFIG: 'none.yaml' })).toEqual([
      'BINANCE_PROXY_CONFIG names a file that cannot be read (ENOENT): a readable YAML file is needed there.',
    ]);
  });
});

describe('the upstreams', () => {
  it.each(['live', 'testnet', 'demo', 'simulator'])('In %s only its own hosts are known', (environment) => {
    const { upstreams, socketUpstreams } = load({ BINANCE_PROXY_ENVIRONMENT: environment });
    const pattern = {
      live: /^(?:https|wss):\/\/[a-z-]+\.binance\.com$/,
      testnet: /^(?:https|wss):\/\/(?:[a-z.-]*testnet\.binance\.vision|[a-z]+\.binancefuture\.com)$/,
      demo: /^(?:https|wss):\/\/(?:demo-[a-z-]+\.binance\.com|[a-z]+\.binancefuture\.com)$/,
      simulator: /^(?:http|ws):\/\/127\.0\.0\.1:9080$/,
    }[environment]!;
    const origins = Object.values({ ...upstreams, ...socketUpstreams }).filter(
      (origin) => origin !== undefined,
    );
    expect(origins.length).toBeGreaterThan(8);
    for (const origin of origins) expect(origin).toMatch(pattern);
  });

  it('The environments testnet and demo have no portfolio margin', () => {
    expect(load({ BINANCE_PROXY_ENVIRONMENT: 'testnet' }).upstreams.portfolio).toBeUndefined();
    expect(load({ BINANCE_PROXY_ENVIRONMENT: 'demo' }).upstreams.portfolio).toBeUndefined();
  });
});

describe('clients', () => {
  it('Without a file there is one client named default, which trusts this machine without a key', () => {
    const { clients, clientsByKeyDigest } = load();
    expect([...clients.keys()]).toEqual(['default', 'anonymous']);
    expect(clientsByKeyDigest.size).toBe(0);
    expect(clients.get('default')).toMatchObject({
      account: 'main',
      requireSignature: false,
      policyMode: 'enforce',
    });
    expect([...clients.get('default')!.permissions]).toEqual(SINGLE_CLIENT_PERMISSIONS);
    expect([...clients.get('anonymous')!.permissions]).toEqual(['market-data']);
  });

  it('A client is found by the digest of its issued key', () => {
    const settings = load({
      BINANCE_PROXY_CLIENT_KEY: 'issued',
      BINANCE_PROXY_CLIENT_SECRET: 'issued-secret',
    });
    const client = settings.clientsByKeyDigest.get(createHash('sha256').update('issued').digest('hex'));
    expect(client).toBe(settings.clients.get('default'));
    expect(client?.secret?.export().toString()).toBe('issued-secret');
  });

  it('Every rule of a client is read from the file', () => {
    const yaml = `
accounts: { main: { envPrefix: BINANCE }, hedge: { envPrefix: BINANCE_HEDGE } }
clients:
  grid-bot:
    account: hedge
    envPrefix: GRID_BOT
    requireSignature: true
    permissions: [read, universal-transfer]
    symbols: [BTCUSDT, 币安人生USDT, BTCUSD_PERP, BTC-270625-60000-C]
    order:
      types: [LIMIT, LIMIT_MAKER]
      maxNotional: { USDT: "500.50", BTC: 1 }
      maxNotionalPerDay: { USDT: 10000 }
      maxPerDay: 200
      maxLeverage: 5
      priceBand: 2.5%
      maxSpread: 0.015
      perSecond: 10
      perMinute: 120
      repeats: { max: 3, withinMs: 10000 }
    stopAfterRefusals: 10
    expires: 2027-03-01
    weightPerMinute: 1000
    requestsPerSecond: 50
    policy: { mode: report }
  anonymous: { enabled: false, weightPerMinute: 10, requestsPerSecond: 2 }
`;
    const settings = load(
      {
        BINANCE_HEDGE_API_KEY: 'hedge-key',
        BINANCE_HEDGE_API_SECRET: 'hedge-secret',
        GRID_BOT_CLIENT_KEY: 'bot-key',
        GRID_BOT_CLIENT_SECRET: 'bot-secret',
      },
      { 'config/proxy.yaml': yaml },
    );
    expect(settings.accounts.get('hedge')?.apiKey).toBe('hedge-key');
    expect(settings.anonymousEnabled).toBe(false);
    expect([...settings.clients.keys()]).toEqual(['grid-bot', 'anonymous']);
    expect(settings.clients.get('anonymous')).toMatchObject({ weightPerMinute: 10, requestsPerSecond: 2 });
    const { secret, ...client } = settings.clients.get('grid-bot')!;
    expect(secret?.export().toString()).toBe('bot-secret');
    expect(client).toEqual({
      name: 'grid-bot',
      account: 'hedge',
      requireSignature: true,
      permissions: new Set(['read', 'universal-transfer']),
      symbols: new Set(['BTCUSDT', '币安人生USDT', 'BTCUSD_PERP', 'BTC-270625-60000-C']),
      order: {
        types: new Set(['LIMIT', 'LIMIT_MAKER']),
        maxNotional: new Map([
          ['USDT', '500.50'],
          ['BTC', '1'],
        ]),
        maxNotionalPerDay: new Map([['USDT', '10000']]),
        maxPerDay: 200,
        maxLeverage: 5,
        priceBand: '0.025',
        maxSpread: '0.015',
        perSecond: 10,
        perMinute: 120,
        repeats: { max: 3, withinMs: 10_000 },
      },
      stopAfterRefusals: 10,
      expiresMs: Date.UTC(2027, 2, 1),
      weightPerMinute: 1000,
      requestsPerSecond: 50,
      policyMode: 'report',
    });
  });

  it.each([
    ['5%', '0.05'],
    ['0.5%', '0.005'],
    ['99.999999%', '0.99999999'],
    ['"5%"', '0.05'],
    ['0.05', '0.05'],
    ['"0.05"', '0.05'],
    ['5e-2', '0.05'],
    ['0.00000001', '0.00000001'],
  ])('A band of %s is %s of the price', (written, fraction) => {
    const yaml = `clients: { bot: { envPrefix: BOT, order: { priceBand: ${written}, maxSpread: ${written} } } }`;
    const { clients } = load({ BOT_CLIENT_KEY: 'bot-key' }, { 'config/proxy.yaml': yaml });
    expect(clients.get('bot')?.order).toEqual({ priceBand: fraction, maxSpread: fraction });
  });

  it('The client default stays when the file speaks of anonymous only', () => {
    const { clients, anonymousEnabled } = load(
      {},
      { 'config/proxy.yaml': 'clients: { anonymous: { enabled: false } }' },
    );
    expect([...clients.keys()]).toEqual(['default', 'anonymous']);
    expect(anonymousEnabled).toBe(false);
  });

  it('A client may leave out its account where there is only one', () => {
    const yaml = 'accounts: { alpha: { envPrefix: BINANCE } }\nclients: { bot: { envPrefix: BOT } }\n';
    const { clients } = load({ BOT_CLIENT_KEY: 'bot-key' }, { 'config/proxy.yaml': yaml });
    expect(clients.get('bot')).toMatchObject({ account: 'alpha' });
    expect([...clients.get('bot')!.permissions]).toEqual(DEFAULT_PERMISSIONS);
  });
});

describe('the denylist of the operator', () => {
  const deny = 'deny:\n  - path: /sapi/v1/convert/**\n    reason: by hand only\n';

  it('The denylist of the operator is read where the file says, else from config/denylist.yaml', () => {
    const entry = { path: '/sapi/v1/convert/**', reason: 'by hand only' };
    expect(load({}, { 'config/denylist.yaml': deny }).denylist).toEqual([entry]);
    expect(load({}, { 'config/proxy.yaml': 'denylist: own.yaml', 'own.yaml': deny }).denylist).toEqual([
      entry,
    ]);
    expect(load().denylist).toEqual([]);
  });

  it('A denylist that the file names must exist', () => {
    expect(messagesOf(ACCOUNT, { 'config/proxy.yaml': 'denylist: none.yaml' })).toEqual([
      'denylist names a file that cannot be read (ENOENT): a readable YAML file is needed there.',
    ]);
  });
});

describe('the snapshot', () => {
  it('The settings are frozen in every part', () => {
    const settings = load({ BINANCE_PROXY_CLIENT_KEY: 'issued' });
    const client = settings.clients.get('default')!;
    expect(() => Object.assign(settings.server, { port: 1 })).toThrow(TypeError);
    expect(() => Object.assign(client, { requireSignature: true })).toThrow(TypeError);
    expect(() => (settings.clients as Map<string, unknown>).set('x', {})).toThrow(TypeError);
    expect(() => (client.permissions as Set<string>).add('withdraw')).toThrow(TypeError);
    expect(() => (settings.clientsByKeyDigest as Map<string, unknown>).clear()).toThrow(TypeError);
    expect(settings.clients.size).toBe(2);
  });
});
