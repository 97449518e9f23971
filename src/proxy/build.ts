import { setTimeout as pause } from 'node:timers/promises';
import type { Decisions } from '../approvals/decisions.ts';
import { wireApprovals } from '../approvals/wire-approvals.ts';
import type { Log } from '../audit/record-printer.ts';
import type { AuditTrail } from '../audit/trail.ts';
import { wireAudit } from '../audit/wire-audit.ts';
import { CallsUnderWay } from '../budgets/calls-under-way.ts';
import { wireBudgets } from '../budgets/wire-budgets.ts';
import { loadCatalogue } from '../config/load-catalogue.ts';
import type { Settings } from '../config/schema/settings.ts';
import type { AppListenerDeps } from '../http/app-listener.ts';
import type { Notices } from '../notices/notices.ts';
import { wireNotices } from '../notices/wire-notices.ts';
import { meteredRecorder } from '../operator/metered-recorder.ts';
import { createMetrics } from '../operator/metrics.ts';
import type { OperatorListenerDeps } from '../operator/operator-listener.ts';
import { wireOverview } from '../operator/overview/wire-overview.ts';
import { createStatus } from '../operator/status.ts';
import { RecordFeed } from '../operator/watching/record-feed.ts';
import type { OrderLimits } from '../orders/order-limits.ts';
import type { OrderResolver } from '../orders/resolver.ts';
import { wireOrders } from '../orders/wire-orders.ts';
import { createArrival } from '../pipeline/arrival.ts';
import { RefusalFlood } from '../pipeline/clients/refusal-flood.ts';
import type { FinishedCall } from '../pipeline/finish.ts';
import { createOwnCalls, type OwnCalls } from '../pipeline/own-calls/own-call.ts';
import { createQuestions } from '../pipeline/own-calls/questions.ts';
import { createCallRecorder } from '../pipeline/recorder.ts';
import { wirePipeline } from '../pipeline/wire-pipeline.ts';
import { wireRepeats } from '../repeats/wire-repeats.ts';
import type { SharedData } from '../shared-data/shared-data.ts';
import { wireSharedData } from '../shared-data/wire-shared-data.ts';
import { stateRecords } from '../stops/state-records.ts';
import type { Stops } from '../stops/stops.ts';
import { compareStates } from '../stops/trading-state.ts';
import { wireStops } from '../stops/wire-stops.ts';
import type { KeyCare } from '../upstream/key-care.ts';
import type { KeyGate } from '../upstream/key-gate.ts';
import { ServerClock } from '../upstream/server-clock.ts';
import { DEFAULT_TIMEOUTS, type Timeouts } from '../upstream/timeouts.ts';
import { wireUpstream } from '../upstream/wire-upstream.ts';
import type { Watch } from '../watch/watch.ts';
import { wireWatch } from '../watch/wire-watch.ts';
import { OpenSockets } from '../websocket/sockets/open-sockets.ts';
import { SOCKET_LIMITS } from '../websocket/sockets/socket-limits.ts';
import { ConfigSnapshot } from './config-snapshot.ts';
import { recordConsole } from './console-records.ts';
import { type EarlierRuns, readEarlierCalls } from './earlier-runs.ts';
import { lifecycleRecords } from './lifecycle-records.ts';
import { configuredAddresses } from './loops.ts';

export interface ProxyOptions {
  readonly settings: Settings;
  /** Takes one complete JSON line and pino's number for its level. */
  readonly log: Log;
  /** What is waited for longer or shorter than usual. */
  readonly timeouts?: Partial<Timeouts>;
  /** The console of a process that is nothing but this proxy: what is printed there becomes records. */
  readonly console?: Console;
}

/** One proxy, built and not yet listening: what each listener needs, and the handles that only its owner uses. */
export interface BuiltProxy {
  readonly app: AppListenerDeps;
  readonly operator: OperatorListenerDeps;
  readonly trail: AuditTrail;
  readonly limits: OrderLimits;
  readonly resolver: OrderResolver;
  readonly stops: Stops;
  /** Why the start is stricter than anybody asked for. */
  readonly stateWarning: string | undefined;
  readonly clock: ServerClock;
  readonly gate: KeyGate;
  readonly care: KeyCare;
  readonly ownCalls: OwnCalls;
  readonly decisions: Decisions;
  readonly notices: Notices;
  readonly watch: Watch;
  readonly underWay: CallsUnderWay;
  readonly shared: SharedData<FinishedCall>;
  /** Puts a new configuration in place of the old one, between two calls. */
  swap(settings: Settings): void;
  /** From now on signed calls are refused; what is under way goes on. */
  stop(): void;
  /** Ends the connections to Binance: what has no answer stays without one. */
  giveUp(): Promise<void>;
  /** Reads the clock and the key permissions for the first time. */
  warmUp(): Promise<void>;
  /** Resolves when Binance's limits were read once after that, or could not be: until then those of the program hold. */
  readonly limitsRead: Promise<void>;
  /** The listener for apps accepts connections from now on. */
  listening(): void;
  close(): Promise<void>;
}

const LAST_RECORDS_MS = 1_000;

/** Builds everything that one proxy is made of, each part once. */
export async function buildProxy(options: ProxyOptions): Promise<BuiltProxy> {
  const { settings, log, timeouts: given } = options;
  const monotonicNow = () => performance.now();
  const wallNow = () => Date.now();
  const times = { monotonicNow, wallNow };
  const timeouts: Timeouts = { ...DEFAULT_TIMEOUTS, ...given };
  let isStopping = false;
  let isListening = false;
  const own = configuredAddresses(settings);
  const clock = new ServerClock(times);
  const serverNow = () => clock.nowOrLocal();
  const snapshot = new ConfigSnapshot(settings, { timeouts, own, serverNow });
  const config = () => snapshot.current;
  const secretMask = () => snapshot.secretMask;
  const catalogue = loadCatalogue();
  // What is open when a later part cannot be built is closed again, or the process would never end.
  await using undo = new AsyncDisposableStack();
  const feed = new RecordFeed(settings.audit.dir === undefined);
  const logAndFeed: Log = (lines) => {
    for (const { text } of lines) feed.take(text);
    log(lines);
  };
  const trail = wireAudit(settings.audit, { log: logAndFeed, secretMask, wallNow });
  undo.defer(() => trail.close());
  const notices = wireNotices({
    ...{ trail, own, ...times },
    settings: () => config().settings,
    pausesMs: timeouts.noticePausesMs,
    timeoutMs: timeouts.noticeMs,
  });
  undo.defer(() => notices.close());
  const events = lifecycleRecords(trail);
  if (options.console !== undefined) recordConsole(trail, options.console);
  const budgets = await wireBudgets(settings, {
    serverNow,
    onEvent: events.budget,
    onPage: (page) => upstream.questionHost(page),
  });
  undo.defer(() => budgets.close());
  const arrival = createArrival({ config, ...times, isStopping: () => isStopping });
  const flood = new RefusalFlood({ monotonicNow, note: (record) => void trail.note(record) });
  const recorder = createCallRecorder({
    trail,
    flood,
    secretMask,
    nextRequestId: arrival.nextRequestId,
    ...times,
  });
  const ownCalls = createOwnCalls({ arrival, catalogue, clock, budgets, recorder, ...times });
  const questions = createQuestions(ownCalls, config);
  const upstream = wireUpstream({
    clock,
    settings: () => config().settings,
    pools: () => config().pools,
    budgets,
    ask: ownCalls,
    onSync: events.clockSynced,
    onFailure: events.clockLost,
    keysInForce: () => config().keys,
    takeOver: (account) => snapshot.takeOver(account),
    onVerdict: events.preflight,
    onUnanswered: events.preflightUnanswered,
    onOverdue: events.preflightOverdue,
    trail,
    isServing: () => isListening,
    ...times,
    refreshConnectionMs: timeouts.refreshConnectionMs,
  });
  let earlier: EarlierRuns | undefined = readEarlierCalls(settings, wallNow());
  const repeats = await wireRepeats(settings, {
    wallNow,
    serverNow: () => clock.now(),
    earlierCalls: earlier.calls,
  });
  undo.defer(() => repeats.close());
  const orders = wireOrders(settings, {
    fetchPublic: questions.market,
    ask: questions.fate,
    onReport: events.reported,
    onRefusalStreak: (client, count) => {
      events.refusalStreak(client, count);
      stopping.stops.guard(
        { kind: 'client', name: client.name },
        `Binance refused ${count} orders in a row`,
        'stopAfterRefusals',
        'none',
      );
    },
    onOverdue: events.unresolved,
    onResolved: (call) => {
      events.resolved(call);
      repeats.resolved(call);
    },
    ...times,
    pausesMs: timeouts.resolutionPausesMs,
  });
  undo.defer(() => orders.close());
  const stateEvents = stateRecords(trail);
  const origin = () => {
    const { operator } = config().settings;
    return operator.origin ?? `http://localhost:${operator.port}`;
  };
  const { priceBook } = orders;
  const asked = wireApprovals(settings, { trail, priceBook, secretMask, origin, ...times });
  const { approvals } = asked;
  const stopping = await wireStops(settings, {
    settings: () => config().settings,
    resting: orders.resting,
    ask: questions.cancelling,
    ...{ ...times, serverNow, answerWithinMs: timeouts.stateAnswerMs },
    onChanged: (entry, before, isKept) => {
      stateEvents.changed(entry, before, isKept);
      if (compareStates(entry.state, before) > 0) approvals.voidScope(entry, `state ${entry.state}`);
    },
    onCancelled: stateEvents.cancelled,
  });
  undo.defer(() => stopping.close());
  const { stops } = stopping;
  const watching = await wireWatch(settings, {
    ...{ config, catalogue, trail, budgets, own, ...times },
    ...{ resting: orders.resting, realised: orders.realised },
    serverNow: () => clock.now(),
    nextRequestId: arrival.nextRequestId,
    handshakeTimeoutMs: SOCKET_LIMITS.handshakeTimeoutMs,
    listenKey: questions.listenKey,
    ask: questions.missed,
    enter: (account, reason) => stops.guard({ kind: 'account', name: account }, reason, 'watch', 'none'),
  });
  undo.defer(() => watching.close());
  const { watch } = watching;
  const { gate, care } = upstream;
  const { limits, openLimit, refusalStop, resolver } = orders;
  const sockets = new OpenSockets();
  const status = createStatus({
    ...{ config, clock, gate, care, trail, budgets, notices, watch },
    isStopping: () => isStopping,
    isListening: () => isListening,
  });
  const metrics = createMetrics({
    ...{ config, status, budgets, clock, trail, catalogue },
    unresolvedOrders: () => resolver.open().length,
    openSockets: () => sockets.size,
    limitUse: (client) => [
      ...limits.use(client, wallNow()),
      ...openLimit.use(client),
      ...refusalStop.use(client),
    ],
    stops,
  });
  const watched = wireOverview({
    ...{ status, budgets, resolver, ...times },
    settings: () => config().settings,
    dayUse: orders.dayUse,
    openSockets: () => sockets.size,
    states: () => stops.list(),
    approvalsPending: () => asked.decisions.list().filter(({ state }) => state === 'pending').length,
  });
  const underWay = new CallsUnderWay(timeouts.callsPerUpstream);
  const shared = wireSharedData<FinishedCall>({ clock, joinableMs: timeouts.joinableMs, ...times });
  const pipeline = wirePipeline({
    ...{
      arrival,
      catalogue,
      clock,
      budgets,
      limits,
      openLimit,
      refusalStop,
      resolver,
      gate,
      stops,
      underWay,
      secretMask,
      approvals,
    },
    shared,
    presence: stopping.deadMan,
    claimRight: repeats.claimRight,
    recorder: meteredRecorder(recorder, watched.beside(metrics.calls), monotonicNow, (account) =>
      care.used(account),
    ),
    resync: () => upstream.clockSync.resync(),
    ...times,
  });
  undo.move();
  return {
    app: { pipeline, approvals, budgets, trail, clock, config, sockets, own, timeouts, secretMask, ...times },
    ...{
      trail,
      limits,
      resolver,
      stops,
      clock,
      gate,
      care,
      ownCalls,
      notices,
      watch,
      underWay,
      shared,
      decisions: asked.decisions,
    },
    stateWarning: stopping.warning,
    operator: {
      ...{ config, status, metrics, feed, catalogue, resolver, notices, trail, stops, monotonicNow },
      overview: watched.overview,
      decisions: asked.decisions,
    },
    swap(next) {
      const before = config().settings;
      snapshot.swap(next);
      shared.clear();
      asked.reloaded(before, next);
      // Sockets end at once with the right to them.
      sockets.tick(monotonicNow());
      // A new key has to show what it may do; until it has, the one before it signs.
      gate.reloaded();
      notices.reloaded();
    },
    limitsRead: upstream.limitsRead,
    listening() {
      isListening = true;
    },
    stop() {
      isStopping = true;
      asked.stop();
    },
    giveUp: () => snapshot.close(),
    async warmUp() {
      const known = earlier?.read().then((calls) => {
        orders.resume(calls?.unfinished ?? []);
        care.restore(calls?.keyCare ?? []);
        return calls;
      });
      // What was read is used once, and let go of.
      earlier = undefined;
      await upstream.start();
      stopping.resume();
      void known?.then((calls) => {
        if (!isStopping) watch.start(calls?.named ?? [], calls?.lastMs);
      });
    },
    async close() {
      upstream.stop();
      stopping.close();
      watching.close();
      watched.close();
      resolver.close();
      repeats.close();
      await budgets.close();
      await snapshot.close();
      // What was still under way has ended with its connection: its record is the last thing to be written.
      await Promise.race([underWay.idle(), pause(LAST_RECORDS_MS, undefined, { ref: false })]);
      orders.close();
      flood.tell();
      asked.close();
      await notices.close();
      trail.close();
    },
  };
}
