import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { send } from '../../support/clients/http.ts';
import { MAIN, startChild } from '../../support/processes/child.ts';
import { portion, SEED } from '../../support/properties.ts';
import {
  OPERATOR_ENV,
  OPERATOR_TOKEN,
  TEST_KEY,
  TEST_SECRET,
  upstreamsAt,
} from '../../support/servers/proxy.ts';

const ROUNDS = portion(50, 5);
/** Two starts and a cancelling, on a machine that has much else to do. */
const LONGEST_ROUND_MS = 60_000;
const ORDER = '/api/v3/order?symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=50000';

describe('a proxy that is killed while a state is entered', () => {
  let folder: string;
  let simulator: Simulator;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'stops-kill-'));
    simulator = await startSimulator({
      accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET, balances: { USDT: '100000000' } }],
      limits: { ordersPer10Seconds: 1_000_000 },
      marketStepMs: 0,
    });
  });
  afterAll(async () => {
    await simulator.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function serve() {
    const child = startChild([MAIN, 'serve'], {
      cwd: folder,
      env: {
        BINANCE_API_KEY: TEST_KEY,
        BINANCE_API_SECRET: TEST_SECRET,
        BINANCE_PROXY_ENVIRONMENT: 'simulator',
        BINANCE_PROXY_PORT: '0',
        BINANCE_PROXY_OPERATOR_PORT: '0',
        BINANCE_PROXY_AUDIT_DIR: join(folder, 'audit'),
        BINANCE_PROXY_STATE_DIR: join(folder, 'state'),
        ...OPERATOR_ENV,
        ...upstreamsAt(simulator.url),
      },
    });
    const { detail } = (await child.record('proxy.started')) as {
      detail: { url: string; operatorUrl: string };
    };
    return {
      child,
      port: Number(new URL(detail.url).port),
      operator: Number(new URL(detail.operatorUrl).port),
    };
  }
  const set = (port: number, state: string) =>
    send(port, '/operator/states', {
      method: 'POST',
      headers: { authorization: `Bearer ${OPERATOR_TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify({ state, reason: `to ${state}` }),
    }).catch(() => undefined);
  const place = (port: number) => send(port, ORDER, { method: 'POST' }).catch(() => undefined);
  const arrived = () =>
    simulator.requests.filter(({ method, path }) => method === 'POST' && path === '/api/v3/order').length;

  it(`What was answered holds after each of ${ROUNDS} kills, and what was to be cancelled goes`, {
    timeout: ROUNDS * LONGEST_ROUND_MS,
  }, async () => {
    let random = SEED >>> 0;
    const upTo = (most: number) => {
      random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
      return random % most;
    };
    for (let round = 0; round < ROUNDS; round++) {
      simulator.reset();
      const { child, port, operator } = await serve();
      await set(operator, 'run');
      expect((await place(port))?.status).toBe(200);
      let answered = false;
      const load = Array.from({ length: 5 }, () => place(port));
      const setting = set(operator, 'cancel-only').then((reply) => {
        if (reply?.status === 200) answered = true;
      });
      await pause(upTo(60));
      const held = answered;
      child.kill('SIGKILL');
      await child.ended;
      await Promise.all([setting, ...load]);
      const before = arrived();
      const again = await serve();
      const reply = await send(again.operator, '/operator/state', {
        headers: { authorization: `Bearer ${OPERATOR_TOKEN}` },
      });
      const [first] = (reply.json?.states ?? []) as { state: string }[];
      const isStopped = first?.state === 'cancel-only';
      if (held) expect(isStopped).toBe(true);
      const order = await place(again.port);
      expect(order?.headers['x-proxy-error']).toBe(isStopped ? 'PROXY_STOPPED' : undefined);
      expect(arrived() - before).toBe(isStopped ? 0 : 1);
      if (isStopped) await expect.poll(openOrders, { timeout: 20_000, interval: 200 }).toBe(0);
      again.child.kill('SIGTERM');
      await again.child.ended;
    }
  });

  function openOrders(): number {
    const cancelled = simulator.requests.filter(
      ({ method, status }) => method === 'DELETE' && status === 200,
    ).length;
    const placed = simulator.requests.filter(
      ({ method, path, status }) => method === 'POST' && path === '/api/v3/order' && status === 200,
    ).length;
    return placed - cancelled;
  }
});
