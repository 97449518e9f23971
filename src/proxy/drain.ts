import { setTimeout as pause } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import type { CallsUnderWay } from '../budgets/calls-under-way.ts';
import { stopListening } from './listen.ts';

/** How long calls are still taken on connections that stood already. */
const LINGER_MS = 1_000;
const SWEEP_MS = 50;
/** How long calls that were given up may take to be answered and recorded. */
const CONCLUDE_MS = 1_000;

export interface Draining {
  readonly app: FastifyInstance;
  readonly underWay: CallsUnderWay;
  /** Called when what still comes is to be refused. */
  readonly refuse: () => void;
  /** Ends the connections to Binance. */
  readonly giveUp: () => Promise<void>;
  /** After so long nothing is waited for any more. */
  readonly graceMs: number;
}

/**
 * Lets the apps go without losing a call. First no connection is taken any more, and every answer says that its
 * connection ends with it, so that an app moves on between two calls; a connection that is cut while it looks idle may
 * have a call on its way. Then what is left is refused, and what is under way is finished: also orders whose app is gone.
 * What Binance has not answered by the end is given up, so that its app hears of it and its record says so: unknown.
 */
export async function drain({ app, underWay, refuse, giveUp, graceMs }: Draining): Promise<void> {
  const { server } = app;
  const untilMs = performance.now() + graceMs;
  server.prependListener('request', (_request, response) => {
    response.shouldKeepAlive = false;
  });
  const closed = stopListening(app);
  await within(LINGER_MS, closed);
  refuse();
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
  const done = Promise.all([app.close(), closed, underWay.idle()]);
  await within(untilMs - performance.now(), done);
  await giveUp();
  await within(CONCLUDE_MS, done);
  clearInterval(sweep);
  server.closeAllConnections();
}

async function within(ms: number, promise: Promise<unknown>): Promise<void> {
  const enough = new AbortController();
  const timer = pause(Math.max(0, ms), undefined, { ref: false, signal: enough.signal }).catch(() => {});
  await Promise.race([promise, timer]);
  enough.abort();
}
