import type { Client } from '../../src/core/client.ts';
import type { Endpoint } from '../../src/core/endpoint.ts';
import { ProxyError } from '../../src/core/errors.ts';
import type { BudgetStore } from '../../src/ports/budget-store.ts';
import { type Budgets, createBudgets, type Ticket } from '../../src/upstream/budgets.ts';
import { answer, CANCEL, client, PLACE, read, request } from './budget-calls.ts';
import { CountingExchange } from './counting-exchange.ts';

const MINUTE = 60_000;
const WEIGHT = 'weight';
/** The clients have 20 s to use up the rest of a minute before the first whole one. */
const WARM_UP_MS = 20_000;
const START = 1_700_000_100_000 - WARM_UP_MS;

export interface SimulationOptions {
  readonly proxies: number;
  readonly clientsPerProxy: number;
  readonly minutes: number;
  /** How often more than the limit is asked for. */
  readonly offered: number;
  /** The store that a proxy uses; the clock is its own, with its own error. */
  readonly storeOf: (proxy: number, serverNow: () => number) => BudgetStore;
  /** Binance's weight limit a minute and orders in 10 s; 6000 and 300 unless told. */
  readonly weightLimit?: number;
  readonly ordersLimit?: number;
  readonly seed?: number;
  /** Is told of each full second of simulated time since the first whole minute began. */
  readonly onSecond?: (second: number) => void | Promise<void>;
}

export interface SimulationResult {
  readonly calls: number;
  readonly sent: number;
  /** What Binance would have answered with 429. */
  readonly refusedByExchange: readonly {
    readonly key: string;
    readonly count: number;
    readonly atMs: number;
  }[];
  /** Highest share of the weight limit in each whole minute. */
  readonly usedShare: readonly number[];
  readonly cancels: number;
  readonly cancelsRefused: number;
  /** Of each reading client in each whole minute: weight that passed less its share (0 or more is enough). */
  readonly worstShare: number;
  readonly refusals: ReadonlyMap<string, number>;
}

interface App {
  readonly client: Client;
  readonly proxy: number;
  readonly endpoints: readonly Endpoint[];
  readonly everyMs: number;
  /** Cheapest call: an app is short of its share only if this still fitted. */
  readonly dearest: number;
}

type Event = { readonly atMs: number; readonly run: () => void | Promise<void> };

/** Deterministic numbers from 0 to 1. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/**
 * Many proxies, each with its own clock error and its own line to Binance, on one IP and one account, in simulated
 * time. Of six clients of a proxy four read as much as they can, one places orders (half of them fail and cost
 * weight), one cancels (half of them too late, which costs weight).
 */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const { proxies, clientsPerProxy, minutes, offered } = options;
  const weightLimit = options.weightLimit ?? 6_000;
  const ordersLimit = options.ordersLimit ?? 300;
  const random = randomFrom(options.seed ?? 1);
  const exchange = new CountingExchange();
  let nowMs = START;
  const budgets: Budgets[] = [];
  for (let proxy = 0; proxy < proxies; proxy++) {
    const errorMs = Math.round((random() * 2 - 1) * 80);
    const serverNow = () => nowMs + errorMs;
    const made = createBudgets({
      store: options.storeOf(proxy, serverNow),
      serverNow,
      throttle: { reserveForOrders: 0.1, maxWaitMs: 0 },
      onEvent: () => {},
    });
    made.setLimits('spot', [
      { type: 'REQUEST_WEIGHT', interval: '1M', windowMs: MINUTE, limit: weightLimit },
      { type: 'ORDERS', interval: '10S', windowMs: 10_000, limit: ordersLimit },
    ]);
    budgets.push(made);
  }

  const readers = Math.max(1, Math.round((proxies * clientsPerProxy * 4) / 6));
  const share = Math.floor((weightLimit * 0.86) / readers);
  const apps: App[] = [];
  for (let index = 0; index < proxies * clientsPerProxy; index++) {
    const proxy = index % proxies;
    const kind = Math.floor(index / proxies) % 6;
    const name = `client-${index}`;
    if (kind < 4) {
      const weights = [[2], [4, 2], [20, 4, 2], [5, 10, 1]][kind] ?? [2];
      const fitting = weights.filter((weight) => weight <= share);
      const endpoints = (fitting.length === 0 ? [1] : fitting).map((weight) => read(weight));
      const mean = endpoints.reduce((sum, each) => sum + (each.weights[0]?.max ?? 0), 0) / endpoints.length;
      const perMinute = (offered * weightLimit) / readers / mean;
      const dearest = Math.max(...endpoints.map((each) => each.weights[0]?.max ?? 0));
      apps.push({ client: client(name, share), proxy, endpoints, everyMs: MINUTE / perMinute, dearest });
    } else if (kind === 4) {
      const everyMs = (MINUTE * proxies) / ((offered * ordersLimit * 6) / 2);
      apps.push({ client: client(name), proxy, endpoints: [PLACE], everyMs, dearest: 1 });
    } else {
      // Together a little less than what is kept for cancels alone, as half of them cost weight.
      const everyMs = (MINUTE * proxies) / ((weightLimit / 30) * 0.9);
      apps.push({ client: client(name), proxy, endpoints: [CANCEL], everyMs, dearest: 1 });
    }
  }

  const events: Event[] = [];
  const push = (atMs: number, run: Event['run']) => {
    // A heap would be faster; the number of events under way is small.
    let at = events.length;
    while (at > 0 && (events[at - 1]?.atMs ?? 0) < atMs) at--;
    events.splice(at, 0, { atMs, run });
  };
  const passed = new Map<string, Map<number, number>>();
  const refusals = new Map<string, number>();
  let calls = 0;
  let sent = 0;
  let cancels = 0;
  let cancelsRefused = 0;

  async function send(app: App, endpoint: Endpoint): Promise<void> {
    calls++;
    if (endpoint === CANCEL) cancels++;
    const of = budgets[app.proxy];
    if (of === undefined) return;
    let ticket: Ticket;
    try {
      ticket = await of.charge(request(endpoint, { client: app.client }));
    } catch (error) {
      if (!(error instanceof ProxyError)) throw error;
      refusals.set(error.name, (refusals.get(error.name) ?? 0) + 1);
      if (endpoint === CANCEL) cancelsRefused++;
      return;
    }
    sent++;
    const minute = Math.floor(nowMs / MINUTE);
    const mine = passed.get(app.client.name) ?? new Map<number, number>();
    passed.set(app.client.name, mine);
    mine.set(minute, (mine.get(minute) ?? 0) + ticket.weight);
    push(nowMs + 5 + random() * 60, () => {
      const succeeds = endpoint.effect === 'none' || random() < 0.5;
      let used = exchange.arrive(WEIGHT, MINUTE, weightLimit, ticket.weight, nowMs);
      if (endpoint.effect !== 'none' && succeeds)
        used = exchange.giveBack(WEIGHT, MINUTE, ticket.weight, nowMs);
      const headers: Record<string, number> = { 'x-mbx-used-weight-1m': used };
      if (endpoint.effect === 'place') {
        const orders = exchange.arrive('orders', 10_000, ordersLimit, 1, nowMs);
        if (succeeds) headers['x-mbx-order-count-10s'] = orders;
      }
      const status = succeeds ? 200 : 400;
      const body = succeeds ? undefined : '{"code":-2010,"msg":"Account has insufficient balance."}';
      push(nowMs + 5 + random() * 60, () => void of.settle(ticket, answer(status, headers, body)));
    });
  }

  const endMs = START + WARM_UP_MS + minutes * MINUTE;
  for (const app of apps) {
    let turn = 0;
    const again = async (): Promise<void> => {
      const endpoint = app.endpoints[turn++ % app.endpoints.length];
      if (endpoint !== undefined) await send(app, endpoint);
      push(nowMs + app.everyMs * (0.5 + random()), again);
    };
    push(START + random() * app.everyMs, again);
  }
  for (
    let second = 1;
    options.onSecond !== undefined && START + WARM_UP_MS + second * 1_000 < endMs;
    second++
  ) {
    push(START + WARM_UP_MS + second * 1_000, () => options.onSecond?.(second));
  }

  for (;;) {
    const next = events.pop();
    if (next === undefined || next.atMs >= endMs) break;
    nowMs = next.atMs;
    await next.run();
  }

  const first = (START + WARM_UP_MS) / MINUTE;
  const usedShare: number[] = [];
  let worstShare = Number.POSITIVE_INFINITY;
  for (let minute = first; minute < first + minutes; minute++) {
    usedShare.push((exchange.peaks.get(WEIGHT)?.get(minute) ?? 0) / weightLimit);
    for (const app of apps) {
      if (app.client.weightPerMinute === undefined) continue;
      const got = passed.get(app.client.name)?.get(minute) ?? 0;
      worstShare = Math.min(worstShare, got - (share - app.dearest + 1));
    }
  }
  await Promise.all(budgets.map((each) => each.close()));
  return {
    calls,
    sent,
    refusedByExchange: exchange.refusals,
    usedShare,
    cancels,
    cancelsRefused,
    worstShare,
    refusals,
  };
}
