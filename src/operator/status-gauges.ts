import { Counter, Gauge, type Registry } from 'prom-client';
import type { AuditTrail } from '../audit/trail.ts';
import type { BudgetState, Budgets } from '../budgets/budgets.ts';
import { SECOND_MS } from '../core/intervals.ts';
import { UPSTREAM_NAMES } from '../core/upstream.ts';
import type { Stops } from '../stops/stops.ts';
import type { ServerClock } from '../upstream/server-clock.ts';
import { createNoticeCounters, createOwnOrderGauges, createWatchGauges } from './gauges/watch-gauges.ts';
import { createKeyGauges } from './key-gauges.ts';
import { createLimitGauge, type LimitGaugeDeps } from './limit-gauge.ts';
import { createStateGauges } from './state-gauges.ts';
import type { Status } from './status.ts';

/** What the gauges are read from. */
export interface StatusGaugesDeps extends LimitGaugeDeps {
  readonly status: () => Status;
  readonly budgets: Pick<Budgets, 'state'>;
  readonly clock: Pick<ServerClock, 'state'>;
  readonly trail: Pick<AuditTrail, 'state'>;
  /** How many orders were sent and are not resolved yet. */
  readonly unresolvedOrders: () => number;
  /** How many WebSocket connections of apps are open. */
  readonly openSockets: () => number;
  readonly stops: Pick<Stops, 'count' | 'cancelling'>;
}

/** Registers the gauges. The function that it returns sets them to the present state, for every scrape. */
export function createStatusGauges(registry: Registry, deps: StatusGaugesDeps): () => void {
  const ready = gaugeOf(registry, 'binance_proxy_ready', '1 while signed calls can pass, as /readyz says.');
  const readBudgets = createBudgetGauges(registry, deps);
  const readClock = createClockGauges(registry, deps);
  const readKeys = createKeyGauges(registry);
  const readAudit = createAuditGauges(registry, deps);
  const readLimits = createLimitGauge(registry, deps);
  const readStates = createStateGauges(registry, deps.stops);
  const readNotices = createNoticeCounters(registry);
  const readWatch = createWatchGauges(registry);
  const readOwnOrders = createOwnOrderGauges(registry);
  const unresolved = gaugeOf(
    registry,
    'binance_proxy_orders_unresolved',
    'Sent orders whose fate is still being asked.',
  );
  const sockets = gaugeOf(
    registry,
    'binance_proxy_websocket_connections',
    'Open WebSocket connections of apps.',
  );

  return function read() {
    const state = deps.status();
    ready.set(Number(state.ready));
    readBudgets();
    readClock();
    readKeys(state);
    readAudit();
    readLimits();
    readStates();
    readNotices(state);
    readWatch(state);
    readOwnOrders(state);
    unresolved.set(deps.unresolvedOrders());
    sockets.set(deps.openSockets());
  };
}

function createBudgetGauges(
  registry: Registry,
  { budgets, config }: Pick<StatusGaugesDeps, 'budgets' | 'config'>,
): () => void {
  const readBuckets = createBucketGauges(registry);
  const degraded = gaugeOf(
    registry,
    'binance_proxy_budget_degraded',
    '1 while the shared budget store is away.',
  );
  const proxies = gaugeOf(
    registry,
    'binance_proxy_budget_proxies',
    'Proxies last seen to share the budgets of this egress IP, itself among them.',
  );
  const queued = gaugeOf(registry, 'binance_proxy_reads_waiting', 'Reads that wait for budget.');
  const readFreezes = createFreezeGauges(registry);
  return () => {
    const state = budgets.state;
    readBuckets(state);
    degraded.set(Number(state.degraded));
    proxies.set(state.proxies);
    queued.set(state.waiting);
    readFreezes(state, config().settings.accounts.keys());
  };
}

function createBucketGauges(registry: Registry): (state: BudgetState) => void {
  const bucketGauge = (name: string, help: string) =>
    new Gauge({
      name,
      help,
      labelNames: ['bucket', 'scope', 'kind', 'upstream'] as const,
      registers: [registry],
    });
  const used = bucketGauge(
    'binance_proxy_budget_used',
    'Used part of a budget by own count, in its present window: an upper bound.',
  );
  const reported = bucketGauge(
    'binance_proxy_budget_reported',
    'Used part of a budget as the headers of Binance last told it, in its present window.',
  );
  const limit = bucketGauge('binance_proxy_budget_limit', 'Limit of a budget.');
  return ({ buckets }) => {
    for (const each of [used, reported, limit]) each.reset();
    for (const { key, scope, kind, upstream, ...bucket } of buckets) {
      const labels = { bucket: key, scope, kind, upstream };
      used.set(labels, bucket.used);
      reported.set(labels, bucket.reported);
      limit.set(labels, bucket.limit);
    }
  };
}

/** The gauges name every upstream and every account, so that a freeze is a change from 0 to 1. */
function createFreezeGauges(registry: Registry): (state: BudgetState, accounts: Iterable<string>) => void {
  const labelled = <L extends string>(name: string, help: string, ...labelNames: L[]) =>
    new Gauge({ name, help, labelNames, registers: [registry] });
  const hosts = labelled(
    'binance_proxy_upstream_frozen',
    '1 while Binance wants silence on a host.',
    'upstream',
    'egress',
  );
  const hostsUntil = labelled(
    'binance_proxy_upstream_frozen_until_seconds',
    'Server time at which a frozen host may be asked again.',
    'upstream',
    'egress',
  );
  const orders = labelled(
    'binance_proxy_orders_frozen',
    '1 while an account may place no orders.',
    'account',
  );
  return ({ frozen, frozenOrders }, accounts) => {
    for (const each of [hosts, hostsUntil, orders]) each.reset();
    for (const upstream of UPSTREAM_NAMES) hosts.set({ upstream }, 0);
    for (const { upstream, egress, untilMs } of frozen) {
      const labels = egress === undefined ? { upstream } : { upstream, egress };
      hosts.set(labels, 1);
      hostsUntil.set(labels, untilMs / SECOND_MS);
    }
    for (const account of accounts) orders.set({ account }, 0);
    for (const { account } of frozenOrders) orders.set({ account }, 1);
  };
}

function createClockGauges(registry: Registry, { clock }: Pick<StatusGaugesDeps, 'clock'>): () => void {
  const synced = gaugeOf(registry, 'binance_proxy_clock_synced', '1 once the time of the exchange is known.');
  const offset = gaugeOf(
    registry,
    'binance_proxy_clock_offset_seconds',
    'Time of the exchange less that of this machine.',
  );
  const age = gaugeOf(registry, 'binance_proxy_clock_age_seconds', 'Time since the clock was last measured.');
  const roundTrip = gaugeOf(
    registry,
    'binance_proxy_clock_round_trip_seconds',
    'Round trip of the measurement in use.',
  );
  return () => {
    const { offsetMs, ageMs, roundTripMs } = clock.state;
    synced.set(Number(clock.state.synced));
    offset.set(seconds(offsetMs));
    age.set(seconds(ageMs));
    roundTrip.set(seconds(roundTripMs));
  };
}

function createAuditGauges(registry: Registry, { trail }: Pick<StatusGaugesDeps, 'trail'>): () => void {
  const available = gaugeOf(
    registry,
    'binance_proxy_audit_available',
    '1 while audit records can be stored.',
  );
  const errors = new Counter({
    name: 'binance_proxy_audit_errors_total',
    help: 'Audit records that could not be stored or printed.',
    registers: [registry],
  });
  return () => {
    available.set(Number(trail.state.available));
    errors.reset();
    errors.inc(trail.state.errors);
  };
}

function gaugeOf(registry: Registry, name: string, help: string): Gauge {
  return new Gauge({ name, help, registers: [registry] });
}

/** NaN is Prometheus' value for what is not known. */
function seconds(ms: number | undefined): number {
  return ms === undefined ? Number.NaN : ms / SECOND_MS;
}
