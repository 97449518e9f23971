import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Fault } from '../../../src/simulator/exchange/faults.ts';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { send } from '../../support/clients/http.ts';
import { connectApp } from '../../support/clients/ws-app.ts';
import { runs } from '../../support/properties.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET, type TestProxy } from '../../support/servers/proxy.ts';
import { wsEnv } from '../../support/servers/ws-upstream.ts';

const ORDER = '/api/v3/order';
const PARAMS = { symbol: 'BTCUSDT', side: 'BUY', type: 'MARKET', quantity: '0.001' };

/** One order that an app wants once. It tries again, as libraries do, until it hears that the order stands. */
interface Intent {
  readonly id: string;
  readonly named: boolean;
  readonly timestamp: number;
  isKnown: boolean;
}

interface Step {
  readonly what: 'send' | 'restart' | 'wait';
  readonly intent: number;
  readonly door: 'http' | 'frame' | 'both' | 'twice';
  readonly loss: 'none' | 'execute-then-drop' | 'drop-after-read' | 'truncate-body' | 'hang-up' | 'refuse';
}

const STEP = fc.record<Step>({
  what: fc.constantFrom<Step['what'][]>('send', 'send', 'send', 'send', 'restart', 'wait'),
  intent: fc.nat(2),
  door: fc.constantFrom<Step['door'][]>('http', 'frame', 'both', 'twice'),
  loss: fc.constantFrom<Step['loss'][]>(
    'none',
    'execute-then-drop',
    'drop-after-read',
    'truncate-body',
    'hang-up',
    'refuse',
  ),
});

/** An app with its intents, in front of a proxy that is restarted, in front of an exchange that loses answers. */
class Stage {
  readonly #simulator: Simulator;
  readonly #folder = mkdtempSync(join(tmpdir(), 'one-order-'));
  readonly intents: readonly Intent[];
  #proxy: Promise<TestProxy> | undefined;

  constructor(simulator: Simulator) {
    this.#simulator = simulator;
    const timestamp = Date.now();
    this.intents = [0, 1, 2].map((number) => ({
      id: `intent-${number}`,
      // One of them is told by its bytes alone, one by its id alone.
      named: number !== 2,
      timestamp: number === 0 ? 0 : timestamp + number,
      isKnown: false,
    }));
  }

  proxy(): Promise<TestProxy> {
    this.#proxy ??= startTestProxy({
      upstream: this.#simulator.url,
      env: {
        ...wsEnv({ wsUrl: this.#simulator.url.replace('http', 'ws') }),
        BINANCE_PROXY_AUDIT_DIR: join(this.#folder, 'audit'),
      },
      timeouts: { headersTimeoutMs: 300, resolutionPausesMs: [60, 60, 60] },
    });
    return this.#proxy;
  }

  async restart(): Promise<void> {
    await (await this.#proxy)?.close();
    this.#proxy = undefined;
    await this.proxy();
  }

  async close(): Promise<void> {
    await (await this.#proxy)?.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async take({ what, intent: number, door, loss }: Step): Promise<void> {
    if (what === 'restart') return this.restart();
    if (what === 'wait') return new Promise((resolve) => setTimeout(resolve, 100));
    const intent = this.intents[number];
    if (intent === undefined || intent.isKnown) return;
    this.#lose(loss);
    // Of one that is told by its id alone a second try makes sense only when the first one got no answer.
    const isDated = intent.timestamp !== 0;
    const both = door === 'both' ? ['http', 'frame'] : ['http', 'http'];
    const tries = door === 'http' || door === 'frame' ? [door] : isDated ? both : ['http'];
    const isKnown = await Promise.all(
      tries.map((each) => (each === 'http' ? this.#overHttp(intent, loss) : this.#overFrame(intent))),
    );
    intent.isKnown = isKnown.includes(true);
  }

  #lose(loss: Step['loss']): void {
    const match = { method: 'POST', path: ORDER };
    const faults: Partial<Record<Step['loss'], Fault>> = {
      'execute-then-drop': { kind: 'execute-then-drop', match },
      'drop-after-read': { kind: 'drop-after-read', match },
      'truncate-body': { kind: 'truncate-body', match },
      'hang-up': { kind: 'delay', ms: 80, match },
      refuse: {
        kind: 'status',
        status: 400,
        body: '{"code":-1013,"msg":"No."}',
        contentType: 'application/json',
        match,
      },
    };
    const fault = faults[loss];
    if (fault !== undefined) this.#simulator.inject(fault);
    if (loss === 'execute-then-drop')
      this.#simulator.injectSocket({ kind: 'close-executed', match: { method: 'order.place' } });
    if (loss === 'drop-after-read')
      this.#simulator.injectSocket({ kind: 'close-unexecuted', match: { method: 'order.place' } });
  }

  #params(intent: Intent): Record<string, string | number> {
    return {
      ...PARAMS,
      ...(intent.named ? { newClientOrderId: intent.id } : { quantity: '0.002' }),
      ...(intent.timestamp === 0 ? {} : { timestamp: intent.timestamp }),
    };
  }

  /** True when the app has heard that its order stands. */
  async #overHttp(intent: Intent, loss: Step['loss']): Promise<boolean> {
    const { port } = await this.proxy();
    const query = Object.entries(this.#params(intent)).map((pair) => pair.join('='));
    const patience = loss === 'hang-up' ? { signal: AbortSignal.timeout(40) } : {};
    try {
      const reply = await send(port, `${ORDER}?${query.join('&')}`, { method: 'POST', ...patience });
      return reply.status === 200 || reply.headers['x-proxy-error'] === 'PROXY_DUPLICATE_ORDER';
    } catch {
      return false;
    }
  }

  async #overFrame(intent: Intent): Promise<boolean> {
    const { port } = await this.proxy();
    const app = await connectApp(`ws://127.0.0.1:${port}/ws-api/v3`);
    try {
      const reply = await Promise.race([app.ask('order.place', this.#params(intent)), app.closed]);
      if (!('status' in reply)) return false;
      return reply.status === 200 || reply.error?.data?.proxyError === 'PROXY_DUPLICATE_ORDER';
    } finally {
      await app.close();
    }
  }
}

it('However answers are lost, calls repeated and proxies restarted, no intent becomes two orders', async () => {
  const simulator = await startSimulator({
    accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET, balances: { USDT: '1000000' } }],
    marketStepMs: 0,
  });
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(STEP, { minLength: 3, maxLength: 14 }), async (steps) => {
        simulator.reset();
        const stage = new Stage(simulator);
        try {
          for (const step of steps) await stage.take(step);
          const { port } = await stage.proxy();
          const { text } = await send(port, '/api/v3/allOrders?symbol=BTCUSDT');
          const orders = JSON.parse(text) as { clientOrderId: string; origQty: string }[];
          for (const { id, named } of stage.intents) {
            const mine = orders.filter(({ clientOrderId, origQty }) =>
              named ? clientOrderId === id : Number(origQty) === 0.002,
            );
            expect(mine.length, id).toBeLessThanOrEqual(1);
          }
        } finally {
          await stage.close();
        }
      }),
      runs(150, 12),
    );
  } finally {
    await simulator.close();
  }
}, 300_000);
