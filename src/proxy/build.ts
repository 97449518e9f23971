import { setTimeout as pause } from 'node:timers/promises';
import { createFileAuditSink } from '../audit/file-sink.ts';
import { createNoAuditSink } from '../audit/no-sink.ts';
import { type AuditTrail, createAuditTrail, type Log } from '../audit/trail.ts';
import { createBudgets } from '../budgets/budgets.ts';
import { createLimitsReader } from '../budgets/limits-reader.ts';
import { openBudgetStore } from '../budgets/open-store.ts';
import { loadCatalogue } from '../config/load-catalogue.ts';
import type { Settings } from '../config/schema/settings.ts';
import { createDenylist } from '../core/catalogue/denylist.ts';
import type { Permission } from '../core/catalogue/permission.ts';
import { SecretMask } from '../core/records/secret-mask.ts';
import { UPSTREAM_NAMES } from '../core/upstream.ts';
import { meteredRecorder } from '../operator/metered-recorder.ts';
import { createMetrics } from '../operator/metrics.ts';
import { createStatus } from '../operator/status.ts';
import { createFileNotionalLedger } from '../orders/file-ledger.ts';
import { createMemoryNotionalLedger } from '../orders/memory-ledger.ts';
import { createOrderLimits } from '../orders/order-limits.ts';
import { createPriceBook } from '../orders/price-book.ts';
import { OrderResolver } from '../orders/resolver.ts';
import { resumeUnfinishedOrders } from '../orders/resume.ts';
import { createReplayGuard } from '../pipeline/clients/replay-guard.ts';
import type { Line } from '../pipeline/line.ts';
import type { LiveConfig } from '../pipeline/live-config.ts';
import { createOwnCalls, type OwnCalls, targetOf } from '../pipeline/own-call.ts';
import { ownCallRecorder, readServerTime } from '../pipeline/own-records.ts';
import { createCallRecorder } from '../pipeline/recorder.ts';
import { createRequestIds } from '../pipeline/request-ids.ts';
import { CallsUnderWay } from '../upstream/calls-under-way.ts';
import { createKeepWarm } from '../upstream/keep-warm.ts';
import { createKeyGate } from '../upstream/key-gate.ts';
import { createPools } from '../upstream/pools.ts';
import { createServerClock } from '../upstream/server-clock.ts';
import { DEFAULT_TIMEOUTS, type Timeouts } from '../upstream/timeouts.ts';
import { OpenSockets } from '../websocket/sockets/open-sockets.ts';
import { lifecycleRecords } from './lifecycle-records.ts';

export interface LineOptions {
  readonly settings: Settings;
  /** Takes one complete JSON line and pino's number for its level. */
  readonly log: Log;
  /** What is waited for longer or shorter than usual. */
  readonly timeouts?: Partial<Timeouts>;
}

/** The line with the handles that only its owner uses. */
export interface BuiltLine {
  readonly line: Line;
  readonly ownCalls: OwnCalls;
  /** Puts a new configuration in place of the old one, between two calls. */
  swap(settings: Settings): void;
  /** From now on signed calls are refused; what is under way goes on. */
  stop(): void;
  /** Reads the clock and the key permissions for the first time. */
  warmUp(): Promise<void>;
  close(): Promise<void>;
}

const LAST_RECORDS_MS = 1_000;
const RETIRE_MS = 60_000;

/** Constructs everything that one call meets, once. */
export async function buildLine(options: LineOptions): Promise<BuiltLine> {
  const monotonicNow = () => performance.now();
  const wallNow = () => Date.now();
  const timeouts: Timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts };
  let snapshot = toSnapshot(options.settings, timeouts);
  let stopping = false;
  const catalogue = loadCatalogue();
  let allSecrets = options.settings.secretMask;
  const secretMask = () => allSecrets;
  const trail = openTrail(options, secretMask, wallNow);
  const events = lifecycleRecords(trail);
  const makeId = createRequestIds();
  const nextRequestId = () => makeId(wallNow());
  const serverNow = () => clock.now() ?? wallNow();
  const budgets = createBudgets({
    store: await openBudgetStore(options.settings, serverNow),
    serverNow,
    throttle: options.settings.throttle,
    onEvent: events.budget,
  });
  const ownCalls = createOwnCalls({
    pools: () => snapshot.pools,
    accounts: () => snapshot.settings.accounts,
    recvWindowMs: () => snapshot.settings.recvWindowMs,
    catalogue,
    budgets,
    serverNow: () => clock.now(),
    recorder: ownCallRecorder(trail, nextRequestId),
  });
  const clock = createServerClock({
    readServerTime: () => readServerTime(ownCalls),
    monotonicNow,
    wallNow,
    onSync: events.clockSynced,
    onFailure: events.clockLost,
  });
  const keepWarm = createKeepWarm({
    pool: (upstream) => snapshot.pools.next(upstream),
    ask: (upstream, target, connection) => ownCalls.get({ upstream, target, connection }),
    budgetState: () => budgets.state,
    refreshMs: timeouts.refreshConnectionMs,
  });
  const limits = createLimitsReader({
    upstreams: UPSTREAM_NAMES.filter((name) => snapshot.pools.get(name) !== undefined),
    fetchExchangeInfo: async (upstream, target) => {
      const answer = await ownCalls.get({ upstream, target });
      if (answer.status !== 200) throw new Error(`the exchange answered ${answer.status}`);
      return answer.text;
    },
    setLimits: budgets.setLimits,
  });
  const gate = createKeyGate({
    mode: () => snapshot.settings.keyPreflight,
    accounts: () => snapshot.settings.accounts.keys(),
    granted: (account) => grantedOn(snapshot.settings, account),
    hasSapi: () => snapshot.settings.environment === 'live',
    ownCalls,
    onVerdict: events.preflight,
  });
  const guard = createOrderLimits({
    priceBook: createPriceBook({
      fetchJson: async (upstream, target) => {
        const answer = await ownCalls.get({ upstream, target });
        if (answer.status !== 200) throw new Error(`the exchange answered ${answer.status}`);
        return JSON.parse(answer.text) as unknown;
      },
      now: monotonicNow,
    }),
    ledger: openLedger(options.settings, wallNow()),
    onReport: events.reported,
  });
  const resolver = new OrderResolver({
    ask: async (account, upstream, path, params) => {
      const answer = await ownCalls.get({ upstream, target: targetOf(path, params), account });
      return { status: answer.status, bodyText: answer.text };
    },
    onResolved: events.resolved,
    now: wallNow,
    ...(timeouts.resolutionPausesMs === undefined ? {} : { pausesMs: timeouts.resolutionPausesMs }),
  });
  const resumeUnfinished = resumeUnfinishedOrders(options.settings, resolver);
  const recorder = createCallRecorder({ trail, secretMask, nextRequestId, monotonicNow, wallNow });
  const sockets = new OpenSockets();
  const config = () => snapshot;
  const status = createStatus({ config, stopping: () => stopping, clock, gate, trail, budgets });
  const unresolvedOrders = () => resolver.open().length;
  const openSockets = () => sockets.size;
  const metrics = createMetrics({ config, status, budgets, clock, trail, unresolvedOrders, openSockets });
  const line: Line = {
    snapshot: () => snapshot,
    catalogue,
    clock,
    budgets,
    guard,
    gate,
    resolver,
    replays: createReplayGuard(),
    trail,
    recorder: meteredRecorder(recorder, metrics.calls, monotonicNow),
    metrics,
    status,
    openSockets,
    sockets,
    underWay: new CallsUnderWay(timeouts.callsPerUpstream),
    timeouts,
    nextRequestId,
    monotonicNow,
    wallNow,
    stopping: () => stopping,
  };
  const retired = new Set<LiveConfig['pools']>();
  /** Calls that began before the swap finish on the old connections. */
  function retire(pools: LiveConfig['pools']): void {
    retired.add(pools);
    setTimeout(() => void pools.close().then(() => retired.delete(pools)), RETIRE_MS).unref();
  }
  return {
    line,
    ownCalls,
    swap(settings) {
      const old = snapshot;
      // A call under way, or an app that was not told, may still bring a secret that was rotated away.
      allSecrets = new SecretMask([], [settings.secretMask, allSecrets]);
      snapshot = toSnapshot(settings, timeouts, old);
      if (snapshot.pools !== old.pools) retire(old.pools);
      // The new keys have to show what they may do; until they have, what was known of the account holds.
      void gate.check();
    },
    stop() {
      stopping = true;
    },
    async warmUp() {
      keepWarm.start();
      void resumeUnfinished();
      await clock.start();
      await Promise.all([limits.start(), clock.now() === undefined ? undefined : gate.check()]);
      gate.start();
    },
    async close() {
      clock.stop();
      keepWarm.stop();
      limits.stop();
      gate.stop();
      resolver.close();
      await budgets.close();
      await Promise.all([snapshot.pools, ...retired].map((pools) => pools.close()));
      // What was still under way has ended with its connection: its record is the last thing to be written.
      await Promise.race([line.underWay.idle(), pause(LAST_RECORDS_MS, undefined, { ref: false })]);
      trail.close();
    },
  };
}

function toSnapshot(settings: Settings, timeouts: Timeouts, old?: LiveConfig): LiveConfig {
  const same =
    old !== undefined &&
    JSON.stringify(old.settings.upstreams) === JSON.stringify(settings.upstreams) &&
    JSON.stringify(old.settings.spotOrigins) === JSON.stringify(settings.spotOrigins) &&
    old.settings.upstreamCa === settings.upstreamCa;
  return {
    settings,
    denylist: createDenylist(settings.denylist),
    pools: same
      ? old.pools
      : createPools(settings.upstreams, { ca: settings.upstreamCa, ...timeouts }, settings.spotOrigins),
  };
}

function openTrail(
  { settings, log }: LineOptions,
  secretMask: () => Settings['secretMask'],
  now: () => number,
): AuditTrail {
  const { dir, key, durability } = settings.audit;
  const sink =
    dir === undefined ? createNoAuditSink() : createFileAuditSink({ folder: dir, key, durability });
  return createAuditTrail({ sink, log, now, secretMask });
}

function openLedger(settings: Settings, nowMs: number) {
  return settings.stateDir === undefined
    ? createMemoryNotionalLedger()
    : createFileNotionalLedger(settings.stateDir, nowMs);
}

function grantedOn(settings: Settings, account: string): ReadonlySet<Permission> {
  const granted = new Set<Permission>();
  for (const client of settings.clients.values()) {
    if (client.account === account) for (const permission of client.permissions) granted.add(permission);
  }
  return granted;
}
