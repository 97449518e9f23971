import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { send } from '../support/clients/http.ts';
import { freePort } from '../support/free-port.ts';
import { MAIN, runToEnd } from '../support/processes/child.ts';
import {
  OPERATOR_TOKEN,
  startTestProxy,
  TEST_KEY,
  TEST_SECRET,
  type TestProxy,
} from '../support/servers/proxy.ts';

const ORDER = '/api/v3/order?symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=50000';

describe('state', () => {
  let simulator: Simulator;
  let proxy: TestProxy;
  let cwd: string;
  beforeAll(async () => {
    simulator = await startSimulator({
      accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET, balances: { USDT: '100000' } }],
    });
    cwd = mkdtempSync(join(tmpdir(), 'state-'));
    proxy = await startTestProxy({
      upstream: simulator.url,
      env: { BINANCE_PROXY_STATE_DIR: join(cwd, 'state'), BINANCE_PROXY_AUDIT_DIR: join(cwd, 'audit') },
    });
    writeFileSync(join(cwd, 'right.token'), `${OPERATOR_TOKEN}\n`);
    writeFileSync(join(cwd, 'wrong.token'), 'wrong-token-wrong-token-wrong-token-wrong');
  });
  afterAll(async () => {
    await proxy.close();
    await simulator.close();
    rmSync(cwd, { recursive: true });
  });
  const run = (...args: readonly string[]) =>
    runToEnd([MAIN, 'state', ...args, '--token-file', 'right.token', '--url', proxy.operatorUrl], { cwd });
  const refusalOfOrder = async () =>
    (await send(proxy.port, ORDER, { method: 'POST' })).headers['x-proxy-error'];

  it('Stops, cancels, shows it, says what was so already, and lets go', async () => {
    expect(await run()).toMatchObject({ code: 0, stdout: 'run: nothing is stopped\n' });
    expect(await refusalOfOrder()).toBeUndefined();
    const set = await run('set', 'cancel-only', '--reason', 'a look at it', '--client', 'default');
    expect(set).toMatchObject({ code: 0, stdout: 'client default is cancel-only.\n1 cancelled, 0 left.\n' });
    expect(await refusalOfOrder()).toBe('PROXY_STOPPED');
    expect((await run()).stdout).toMatch(
      /^client default: cancel-only since \S+ by default: a look at it\n$/,
    );
    expect(await run('set', 'cancel-only', '--reason', 'again', '--client', 'default')).toMatchObject({
      code: 0,
      stdout: 'client default was cancel-only already.\n',
    });
    expect(await run('set', 'run', '--reason', 'done', '--client', 'default')).toMatchObject({ code: 0 });
    expect(await refusalOfOrder()).toBeUndefined();
    const changes = proxy.records('state.changed').map(({ detail }) => detail);
    expect(changes).toMatchObject([
      {
        scope: 'client',
        name: 'default',
        from: 'run',
        state: 'cancel-only',
        operator: 'default',
        channel: 'token',
      },
      { from: 'cancel-only', state: 'cancel-only' },
      { from: 'cancel-only', state: 'run' },
    ]);
  });

  it('What could not be cancelled is named, and the exit code says so', async () => {
    expect(await refusalOfOrder()).toBeUndefined();
    const body = '{"code":-1015,"msg":"Too many orders"}';
    simulator.inject({ kind: 'status', status: 400, body, match: { method: 'DELETE' }, times: 10_000 });
    const set = await run('set', 'halt', '--reason', 'stuck', '--cancel', 'own');
    simulator.clearFaults();
    expect(set.code).toBe(1);
    expect(set.stdout).toMatch(
      /^the proxy is halt\.\n0 cancelled, \d left; the proxy goes on\.\n {2}main spot BTCUSDT \d+ \S+: Binance answered 400 -1015 Too many orders/,
    );
    await run('set', 'run', '--reason', 'done');
  });

  it.each([
    ['no reason', 64, ['set', 'halt'], 'state set needs --reason TEXT.'],
    ['no state', 64, ['set', '--reason', 'x'], 'state set needs a STATE'],
    [
      'an unknown state',
      1,
      ['set', 'pause', '--reason', 'x'],
      'state has to be one of run, reduce-only, cancel-only, halt.',
    ],
    [
      'an unknown client',
      1,
      ['set', 'halt', '--reason', 'x', '--client', 'nobody'],
      'There is no client nobody; there are default',
    ],
    [
      'an unknown account',
      1,
      ['set', 'halt', '--reason', 'x', '--account', 'nobody'],
      'There is no account nobody; there are main.',
    ],
    [
      'two scopes',
      1,
      ['set', 'halt', '--reason', 'x', '--account', 'main', '--symbol', 'BTCUSDT'],
      'one may be named',
    ],
    [
      'an unknown way of cancelling',
      1,
      ['set', 'halt', '--reason', 'x', '--cancel', 'some'],
      'cancel has to be one of own, all, none.',
    ],
  ])('%s is one sentence', async (_what, expected, args, sentence) => {
    const { code, stdout, stderr } = await run(...args);
    expect([code, stdout]).toEqual([expected, '']);
    expect(stderr).toContain(sentence);
    expect(proxy.parts.stops.list().filter(({ state }) => state !== 'run')).toEqual([]);
  });

  it('A wrong token and a proxy that is not there are one sentence each', async () => {
    const set = ['set', 'halt', '--reason', 'x'];
    const wrong = await runToEnd(
      [MAIN, 'state', ...set, '--token-file', 'wrong.token', '--url', proxy.operatorUrl],
      { cwd },
    );
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('No operator has this token.')]);
    const url = `http://127.0.0.1:${await freePort()}`;
    const away = await runToEnd([MAIN, 'state', ...set, '--token-file', 'right.token', '--url', url], {
      cwd,
    });
    expect([away.code, away.stderr]).toEqual([75, expect.stringContaining(`There is no proxy at ${url}`)]);
    expect(await refusalOfOrder()).toBeUndefined();
  });
});
