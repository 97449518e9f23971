import { hash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { send, sendRaw } from '../../support/clients/http.ts';
import {
  OPERATOR_TOKEN,
  startTestProxy,
  TEST_KEY,
  TEST_SECRET,
  type TestProxy,
} from '../../support/servers/proxy.ts';

const ALICE_TOKEN = 'tokenOFaliceTOKENofALICEtokenOFaliceTOKENofALICEtokenOFaliceTOKEN1';
const CLIENT_KEY = 'issuedKEYofTHEbotISSUEDkeyOFtheBOTissuedKEYofTHEbotISSUEDkeyOF12';
const OPEN = ['/livez', '/readyz', '/metrics'];
const GUARDED = ['/operator/status', '/orders/unresolved', '/nothing/here', '/operator', '/api/v3/account'];
const YAML = `
clients: { bot: { account: main, envPrefix: BOT, permissions: [market-data, read] } }
operators: { alice: { envPrefix: ALICE } }
server: { allowedHosts: [signing-proxy] }
operator: { origin: https://console.example }
`;
const ENV = {
  BOT_CLIENT_KEY: CLIENT_KEY,
  ALICE_OPERATOR_TOKEN_SHA256: hash('sha256', ALICE_TOKEN),
};

let upstream: Simulator;
let proxy: TestProxy;
let port: number;

beforeAll(async () => {
  upstream = await startSimulator({ accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET }] });
  proxy = await startTestProxy({ upstream: upstream.url, yaml: YAML, env: ENV });
  port = Number(new URL(proxy.operatorUrl).port);
});

afterAll(async () => {
  await proxy.close();
  await upstream.close();
});

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const ask = (target: string, headers: Readonly<Record<string, string>> = {}, method = 'GET', body?: string) =>
  send(port, target, { method, headers, ...(body === undefined ? {} : { body }) });

async function login(token = ALICE_TOKEN): Promise<string> {
  const reply = await ask(
    '/operator/session',
    { 'content-type': 'application/json' },
    'POST',
    JSON.stringify({ token }),
  );
  expect(reply.status).toBe(200);
  return String(reply.headers['set-cookie']?.[0]);
}

describe('who gets nothing', () => {
  it.each(GUARDED)('%s asks for a token, by every method, whether it exists or not', async (target) => {
    for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
      const reply = await ask(target, {}, method);
      expect([method, reply.status]).toEqual([method, 401]);
      expect(reply.headers['www-authenticate']).toBe('Bearer');
      expect(Object.keys(reply.json ?? {})).toEqual(['error']);
    }
  });

  it('An issued key of an app is no token here, and an operator’s token is no key on the listener for apps', async () => {
    expect((await ask('/operator/status', { 'x-mbx-apikey': CLIENT_KEY })).status).toBe(401);
    expect((await ask('/operator/status', bearer(CLIENT_KEY))).status).toBe(401);
    const before = upstream.requests.length;
    for (const headers of [bearer(ALICE_TOKEN), { 'x-mbx-apikey': ALICE_TOKEN }]) {
      const reply = await send(proxy.port, '/api/v3/account', { headers });
      expect([reply.status, reply.headers['x-proxy-error']]).toEqual([401, 'PROXY_UNKNOWN_CLIENT']);
    }
    expect(upstream.requests.length).toBe(before);
    expect((await send(proxy.port, '/operator/status', { headers: bearer(ALICE_TOKEN) })).status).toBe(404);
  });

  it.each([
    ['a foreign Host', { host: 'evil.example' }, 421],
    ['a page of another site', { origin: 'https://evil.example' }, 403],
    ['a page of another port', { origin: 'http://localhost:1' }, 403],
    ['a page without a name', { origin: 'null' }, 403],
    ['a browser on another site', { 'sec-fetch-site': 'cross-site' }, 403],
  ])('%s gets nothing, also of what is open', async (_, headers, status) => {
    for (const target of [...OPEN, ...GUARDED])
      expect((await ask(target, { ...bearer(ALICE_TOKEN), ...headers })).status).toBe(status);
  });

  it('Two Hosts get nothing', async () => {
    const answer = await sendRaw(
      port,
      `GET /livez HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1.1 4/);
  });

  it.each(['127.0.0.1', '[::1]:8081', '10.1.2.3:8081', 'signing-proxy:8081', 'console.example', 'localhost'])(
    'The Host %s is served: an address, a loopback name or an allowed one',
    async (host) => {
      expect((await ask('/livez', { host })).status).toBe(200);
    },
  );

  it('The page of the configured origin and of the listener itself are served', async () => {
    for (const origin of [`http://localhost:${port}`, 'https://console.example'])
      expect(
        (await ask('/operator/status', { ...bearer(ALICE_TOKEN), host: `localhost:${port}`, origin })).status,
      ).toBe(200);
  });
});

describe('what operators get', () => {
  it('What is open tells nothing that names somebody', async () => {
    const [, ready, metrics] = await Promise.all(OPEN.map((target) => ask(target)));
    expect(Object.keys(ready?.json ?? {})).toEqual(['ready', 'reasons']);
    expect(metrics?.status).toBe(200);
  });

  it('A token shows the whole status and the open orders, to the operator that is named or to whoever it belongs to', async () => {
    const status = await ask('/operator/status', bearer(ALICE_TOKEN));
    expect(status.json).toMatchObject({
      ready: true,
      reasons: [],
      clock: { synced: true },
      preflight: { main: 'off' },
    });
    expect(status.headers['cache-control']).toBe('no-store');
    expect((await ask('/orders/unresolved', bearer(OPERATOR_TOKEN))).json).toEqual({ orders: [] });
    expect((await ask('/nothing/here', bearer(OPERATOR_TOKEN))).status).toBe(404);
    expect(
      (await ask('/operator/status', { ...bearer(ALICE_TOKEN), 'x-proxy-operator': 'alice' })).status,
    ).toBe(200);
    expect(
      (await ask('/operator/status', { ...bearer(ALICE_TOKEN), 'x-proxy-operator': 'default' })).status,
    ).toBe(401);
  });

  it('A session is opened with a token, is no one else’s to use, and ends', async () => {
    const cookie = await login();
    expect(cookie).toMatch(
      /^operator_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Secure; Max-Age=28800$/,
    );
    const headers = { cookie: cookie.split(';')[0] ?? '' };
    expect((await ask('/operator/status', headers)).status).toBe(200);
    expect((await ask('/operator/session', headers, 'DELETE')).status).toBe(403);
    const own = { ...headers, host: `localhost:${port}`, origin: `http://localhost:${port}` };
    expect((await ask('/operator/session', own, 'DELETE')).status).toBe(200);
    expect((await ask('/operator/status', headers)).status).toBe(401);
    const acts = proxy.records('operator.acted').map(({ detail }) => detail);
    expect(acts).toEqual([
      { operator: 'alice', channel: 'session', act: 'session opened' },
      { operator: 'alice', channel: 'session', act: 'session ended' },
    ]);
  });

  it('A login takes JSON only', async () => {
    const token = JSON.stringify({ token: ALICE_TOKEN });
    expect((await ask('/operator/session', { 'content-type': 'text/plain' }, 'POST', token)).status).toBe(
      415,
    );
    expect((await ask('/operator/session', { 'content-type': 'application/json' }, 'POST', '{')).status).toBe(
      400,
    );
    expect(
      (await ask('/operator/session', { 'content-type': 'application/json' }, 'POST', '{}')).status,
    ).toBe(400);
  });
});

it('Wrong tokens are limited, by bearer and login together, and a right one never is; none of them is written down', async () => {
  const other = await startTestProxy({ upstream: upstream.url, yaml: YAML, env: ENV });
  const otherPort = Number(new URL(other.operatorUrl).port);
  const WRONG = 'wrongTOKENwrongTOKENwrongTOKENwrongTOKENwrongTOKENwrongTOKENwrong1';
  try {
    const statuses: number[] = [];
    for (let i = 0; i < 4; i++)
      statuses.push((await send(otherPort, '/operator/status', { headers: bearer(WRONG) })).status);
    for (let i = 0; i < 3; i++) {
      const body = JSON.stringify({ token: WRONG });
      const headers = { 'content-type': 'application/json' };
      statuses.push((await send(otherPort, '/operator/session', { method: 'POST', headers, body })).status);
    }
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429]);
    expect((await send(otherPort, '/operator/status', { headers: bearer(ALICE_TOKEN) })).status).toBe(200);
    expect(other.records('operator.refused')).toHaveLength(5);
    expect(other.lines.join('')).not.toMatch(new RegExp(`${WRONG}|${ALICE_TOKEN}`));
  } finally {
    await other.close();
  }
});

it('A reload takes operators away and ends their sessions, and makes none', async () => {
  const other = await startTestProxy({ upstream: upstream.url, yaml: YAML, env: ENV });
  const otherPort = Number(new URL(other.operatorUrl).port);
  const status = async (headers: Readonly<Record<string, string>>) =>
    (await send(otherPort, '/operator/status', { headers })).status;
  try {
    const login = await send(otherPort, '/operator/session', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token: ALICE_TOKEN }),
    });
    const cookie = String(login.headers['set-cookie']?.[0]).split(';')[0] ?? '';
    expect(await status({ cookie })).toBe(200);
    const withoutAlice = YAML.replace(/^operators.*$/m, '');
    other.reload({ BOT_CLIENT_KEY: CLIENT_KEY }, withoutAlice);
    expect([
      await status({ cookie }),
      await status(bearer(ALICE_TOKEN)),
      await status(bearer(OPERATOR_TOKEN)),
    ]).toEqual([401, 401, 200]);
    expect(() => other.reload(ENV, YAML)).toThrow('operators.alice would be added.');
    expect(await status(bearer(ALICE_TOKEN))).toBe(401);
  } finally {
    await other.close();
  }
});

it('Without an operator everything that needs one says how to make one', async () => {
  const other = await startTestProxy({
    upstream: upstream.url,
    env: { BINANCE_PROXY_OPERATOR_TOKEN_SHA256: '' },
  });
  const otherPort = Number(new URL(other.operatorUrl).port);
  try {
    for (const target of GUARDED) {
      const reply = await send(otherPort, target, { headers: bearer(OPERATOR_TOKEN) });
      expect([reply.status, String(reply.json?.error)]).toEqual([
        404,
        expect.stringContaining('operator new NAME'),
      ]);
    }
    for (const target of OPEN) expect((await send(otherPort, target)).status).toBe(200);
  } finally {
    await other.close();
  }
});
