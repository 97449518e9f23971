import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { send } from '../../support/clients/http.ts';
import {
  askOperator,
  startTestProxy,
  TEST_KEY,
  TEST_SECRET,
  type TestProxy,
} from '../../support/servers/proxy.ts';

let simulator: Simulator;
let proxy: TestProxy | undefined;
afterEach(async () => {
  await proxy?.close();
  await simulator.close();
  proxy = undefined;
});

const PREFLIGHT = '/sapi/v1/account/apiRestrictions';
const ACCOUNT = '/api/v3/account';
const TEST_ORDER = '/api/v3/order/test?symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1';
const ENFORCE = { BINANCE_PROXY_KEY_PREFLIGHT: 'enforce' };
/** Four keys of Binance, each with the secret that belongs to it. */
const [OLD, NEW, OTHER_OLD, OTHER_NEW] = ['12', 'N1', 'O1', 'O2'].map((end) => ({
  apiKey: `${TEST_KEY.slice(0, -2)}${end}`,
  hmacSecret: `${TEST_SECRET.slice(0, -2)}${end === '12' ? 'AL' : end}`,
})) as [Key, Key, Key, Key];

interface Key {
  readonly apiKey: string;
  readonly hmacSecret: string;
}

function keyOf({ apiKey, hmacSecret }: Key, prefix = 'BINANCE'): Readonly<Record<string, string>> {
  return { ...ENFORCE, [`${prefix}_API_KEY`]: apiKey, [`${prefix}_API_SECRET`]: hmacSecret };
}

async function start(
  options: { env?: Readonly<Record<string, string>>; yaml?: string } = {},
): Promise<TestProxy> {
  simulator = await startSimulator({ accounts: [OLD, NEW, OTHER_OLD, OTHER_NEW] });
  proxy = await startTestProxy({
    upstream: simulator.url,
    env: { ...ENFORCE, ...options.env },
    ...rest(options),
  });
  return proxy;
}

function rest({ yaml }: { yaml?: string }): { yaml?: string } {
  return yaml === undefined ? {} : { yaml };
}

/** The keys that signed what was no question about a key, in the order of arrival, each with its path. */
function signedWith(key: Key): readonly string[] {
  return simulator.requests
    .filter(({ headers, path }) => headers['x-mbx-apikey'] === key.apiKey && path !== PREFLIGHT)
    .map(({ path }) => path);
}

function askedAbout(key: Key): number {
  return simulator.requests.filter(
    ({ headers, path, verified }) => headers['x-mbx-apikey'] === key.apiKey && path === PREFLIGHT && verified,
  ).length;
}

async function statusOf(running: TestProxy): Promise<readonly [number, Record<string, unknown>]> {
  const ready = await send(Number(new URL(running.operatorUrl).port), '/readyz');
  const status = await askOperator(running.operatorUrl, '/operator/status');
  return [ready.status, { ...status.json }];
}

describe('a rotation', () => {
  it('A new key does not sign while Binance does not answer what it may do, and the old one goes on', async () => {
    const running = await start();
    simulator.inject({ kind: 'status', status: 503, match: { path: PREFLIGHT }, times: 1 });
    running.reload(keyOf(NEW));
    await expect.poll(() => askedAbout(NEW)).toBe(1);
    for (let calls = 0; calls < 5; calls++) expect((await send(running.port, ACCOUNT)).status).toBe(200);
    expect([signedWith(OLD).length, signedWith(NEW).length]).toEqual([5, 0]);
    expect(await statusOf(running)).toMatchObject([
      200,
      { preflight: { main: 'passed' }, newKeys: { main: 'pending: Binance answered HTTP 503.' } },
    ]);
    const askedMs = performance.now();
    await expect.poll(() => running.parts.gate.waiting.size).toBe(0);
    expect(performance.now() - askedMs).toBeLessThan(10_000);
    expect((await send(running.port, ACCOUNT)).status).toBe(200);
    expect([signedWith(OLD).length, signedWith(NEW).length]).toEqual([5, 1]);
    expect(running.records('preflight.passed').at(-1)).toMatchObject({
      account: 'main',
      detail: { role: 'takes over', key: expect.stringMatching(/^[0-9a-f]{12}$/) as string },
    });
    expect(running.lines.join('\n')).not.toContain(NEW.apiKey);
  });

  it('A new key that may withdraw never signs, the old one goes on, and /readyz and the record say so', async () => {
    const running = await start();
    simulator.setRestrictions(NEW.apiKey, { enableWithdrawals: true });
    running.reload(keyOf(NEW));
    await expect.poll(() => running.records('preflight.failed').length).toBe(1);
    expect((await send(running.port, ACCOUNT)).status).toBe(200);
    expect([signedWith(OLD).length, signedWith(NEW).length]).toEqual([1, 0]);
    expect(running.records('preflight.failed')).toMatchObject([
      { level: 50, account: 'main', detail: { role: 'waiting' } },
    ]);
    expect(await statusOf(running)).toMatchObject([
      200,
      {
        preflight: { main: 'passed' },
        newKeys: { main: expect.stringMatching(/^failed: .*Enable Withdrawals/) as string },
      },
    ]);
    simulator.setRestrictions(NEW.apiKey, { enableWithdrawals: false });
    running.reload(keyOf(NEW));
    await expect.poll(() => running.parts.gate.waiting.size).toBe(0);
    expect((await send(running.port, ACCOUNT)).status).toBe(200);
    expect(signedWith(NEW)).toEqual([ACCOUNT]);
  });

  it('A late answer about the old key does not let a new key sign that may withdraw', async () => {
    const running = await start();
    simulator.setRestrictions(NEW.apiKey, { enableWithdrawals: true });
    simulator.inject({ kind: 'delay', ms: 1_000, match: { path: PREFLIGHT }, times: 1 });
    const late = running.parts.gate.check();
    await expect.poll(() => askedAbout(OLD)).toBe(2);
    running.reload(keyOf(NEW));
    await expect.poll(() => running.records('preflight.failed').length).toBe(1);
    await late;
    expect((await send(running.port, ACCOUNT)).status).toBe(200);
    expect([signedWith(OLD).length, signedWith(NEW).length]).toEqual([1, 0]);
  });

  it('A late answer about the old key does not vouch for the key that took over', async () => {
    const running = await start();
    simulator.inject({ kind: 'delay', ms: 1_000, match: { path: PREFLIGHT }, times: 1 });
    const late = running.parts.gate.check();
    await expect.poll(() => askedAbout(OLD)).toBe(2);
    running.reload(keyOf(NEW));
    await expect.poll(() => running.records('preflight.passed').length).toBe(2);
    simulator.setRestrictions(NEW.apiKey, { enableWithdrawals: true });
    await running.parts.gate.check();
    await late;
    expect((await send(running.port, ACCOUNT)).headers['x-proxy-error']).toBe('PROXY_NOT_READY');
    expect([signedWith(OLD), signedWith(NEW)]).toEqual([[], []]);
  });

  it('The keys of two accounts are judged each by itself, whichever answer comes first', async () => {
    const clients = [
      { 'x-mbx-apikey': 'a-key-that-was-issued-to-the-first-client' },
      { 'x-mbx-apikey': 'a-key-that-was-issued-to-the-second-client' },
    ] as const;
    const env = {
      FIRST_CLIENT_KEY: clients[0]['x-mbx-apikey'],
      SECOND_CLIENT_KEY: clients[1]['x-mbx-apikey'],
    };
    const yaml = `accounts: { main: { envPrefix: BINANCE }, other: { envPrefix: BINANCE_OTHER } }
clients:
  first: { account: main, envPrefix: FIRST, permissions: [read] }
  second: { account: other, envPrefix: SECOND, permissions: [read] }`;
    const running = await start({
      yaml,
      env: { ...env, ...keyOf(OLD), ...keyOf(OTHER_OLD, 'BINANCE_OTHER') },
    });
    simulator.setRestrictions(NEW.apiKey, { enableWithdrawals: true });
    simulator.inject({ kind: 'delay', ms: 1_000, match: { path: PREFLIGHT }, times: 1 });
    running.reload({ ...env, ...keyOf(NEW), ...keyOf(OTHER_NEW, 'BINANCE_OTHER') }, yaml);
    const call = async () => {
      const answers = clients.map((headers) => send(running.port, ACCOUNT, { headers }));
      expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200]);
    };
    await call();
    await expect.poll(() => [...running.parts.gate.waiting.keys()]).toEqual(['main']);
    await call();
    await expect.poll(() => running.records('preflight.failed')).toMatchObject([{ account: 'main' }]);
    await call();
    expect([signedWith(OLD).length, signedWith(NEW).length]).toEqual([3, 0]);
    expect(signedWith(OTHER_NEW).length).toBeGreaterThanOrEqual(1);
    expect(signedWith(OTHER_OLD).length + signedWith(OTHER_NEW).length).toBe(3);
  });

  it('A new account does not sign before its key was judged', async () => {
    const running = await start();
    simulator.inject({ kind: 'delay', ms: 500, match: { path: PREFLIGHT }, times: 1 });
    const headers = { 'x-mbx-apikey': 'a-key-that-was-issued-to-the-new-client' };
    const yaml = `accounts: { main: { envPrefix: BINANCE }, other: { envPrefix: BINANCE_OTHER } }
clients: { fresh: { account: other, envPrefix: FRESH, permissions: [read] } }`;
    running.reload(
      { ...keyOf(OLD), ...keyOf(OTHER_NEW, 'BINANCE_OTHER'), FRESH_CLIENT_KEY: headers['x-mbx-apikey'] },
      yaml,
    );
    expect((await send(running.port, ACCOUNT, { headers })).headers['x-proxy-error']).toBe('PROXY_NOT_READY');
    expect(signedWith(OTHER_NEW)).toEqual([]);
    await expect.poll(async () => (await send(running.port, ACCOUNT, { headers })).status).toBe(200);
  });

  it('A new key is used at once where the preflight is off', async () => {
    const running = await start({ env: { BINANCE_PROXY_KEY_PREFLIGHT: 'off' } });
    running.reload({ ...keyOf(NEW), BINANCE_PROXY_KEY_PREFLIGHT: 'off' });
    expect((await send(running.port, ACCOUNT)).status).toBe(200);
    expect([signedWith(OLD), signedWith(NEW), askedAbout(NEW)]).toEqual([[], [ACCOUNT], 0]);
  });

  it('A call that came before the new key took over ends well, with the key that it began with', async () => {
    const running = await start();
    const body = TEST_ORDER.slice(TEST_ORDER.indexOf('?') + 1);
    const call = request({
      host: '127.0.0.1',
      port: running.port,
      path: '/api/v3/order/test',
      method: 'POST',
      headers: { 'content-length': body.length, 'content-type': 'application/x-www-form-urlencoded' },
    });
    call.write(body.slice(0, 10));
    await expect.poll(async () => (await send(running.port, ACCOUNT)).status).toBe(200);
    running.reload(keyOf(NEW));
    await expect.poll(() => running.records('preflight.passed').length).toBe(2);
    call.end(body.slice(10));
    const [answer] = (await once(call, 'response')) as [{ statusCode: number; resume(): void }];
    answer.resume();
    expect(answer.statusCode).toBe(200);
    expect(signedWith(OLD).at(-1)).toBe('/api/v3/order/test');
  });

  it('A rotation under load fails no call, and each key signs only while it is in force', async () => {
    const running = await start();
    const agent = new Agent({ keepAlive: true, maxSockets: 4 });
    const statuses: number[] = [];
    let isLoaded = true;
    const workers = Array.from({ length: 4 }, async () => {
      while (isLoaded) {
        statuses.push((await send(running.port, TEST_ORDER, { method: 'POST', agent })).status);
        await pause(5);
      }
    });
    const took: number[] = [];
    const someCalls = async () => {
      const before = statuses.length;
      await expect.poll(() => statuses.length).toBeGreaterThan(before + 20);
    };
    await someCalls();
    for (const next of [NEW, OLD, NEW]) {
      simulator.inject({ kind: 'delay', ms: 200, match: { path: PREFLIGHT }, times: 1 });
      const passes = running.records('preflight.passed').length;
      const before = statuses.length;
      running.reload(keyOf(next));
      await expect.poll(() => running.records('preflight.passed').length).toBe(passes + 1);
      took.push(statuses.length - before);
      await someCalls();
    }
    isLoaded = false;
    await Promise.all(workers);
    agent.destroy();
    expect(new Set(statuses)).toEqual(new Set([200]));
    // Calls went on while each new key was asked about.
    expect(Math.min(...took)).toBeGreaterThan(0);
    const rounds: (string | undefined)[][] = [];
    for (const { path, headers } of simulator.requests) {
      const key = headers['x-mbx-apikey']?.toString();
      if (path === PREFLIGHT) rounds.push([]);
      else if (path === '/api/v3/order/test') rounds.at(-1)?.push(key);
    }
    const [old, fresh] = [OLD.apiKey, NEW.apiKey];
    // Each round begins with a question: until it is answered the key before it signs, and at its end the new one.
    expect(rounds.map((keys) => [keys[0], keys.at(-1), new Set(keys).size])).toEqual([
      [old, old, 1],
      [old, fresh, 2],
      [fresh, old, 2],
      [old, fresh, 2],
    ]);
  });
});
