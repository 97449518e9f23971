import { Counter, Gauge, type Registry } from 'prom-client';
import type { AuditTrail } from '../audit/trail.ts';
import type { Budgets } from '../budgets/budgets.ts';
import { SECOND_MS } from '../core/intervals.ts';
import { UPSTREAM_NAMES } from '../core/upstream.ts';
import type { LiveConfig } from '../pipeline/live-config.ts';
import type { ServerClock } from '../upstream/server-clock.ts';
import type { Status } from './status.ts';

const VERDICTS = ['passed', 'failed', 'skipped', 'pending', 'off'] as const;

/** What the gauges are read from. */
export interface StatusGaugesDeps {
  readonly config: () => LiveConfig;
  readonly status: () => Status;
  readonly budgets: Pick<Budgets, 'state'>;
  readonly clock: Pick<ServerClock, 'state'>;
  readonly trail: Pick<AuditTrail, 'state'>;
  /** How many orders are sent and not yet resolved. */
  readonly unresolvedOrders: () => number;
  /** How many WebSocket connections of apps are open. */
  readonly openSockets: () => number;
}

/** Sets the gauges when somebody looks: budgets, clock, freezes, audit, key permissions, sockets. */
export function createStatusGauges(registry: Registry, deps: StatusGaugesDeps): () => void {
  const { config, status, budgets, clock, trail, unresolvedOrders, openSockets } = deps;
  const registers = [registry];
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
  const labelled = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Gauge({ name, help, labelNames: [...labelNames], registers });

  const ready = gauge('binance_proxy_ready', '1 while signed calls can pass, as /readyz says.');
  const bucketLabels = ['bucket', 'scope', 'kind', 'upstream'] as const;
  const used = labelled(
    'binance_proxy_budget_used',
    'Used part of a budget by own count, in its present window: an upper bound.',
    bucketLabels,
  );
  const reported = labelled(
    'binance_proxy_budget_reported',
    'Used part of a budget as the headers of Binance last told it, in its present window.',
    bucketLabels,
  );
  const limit = labelled('binance_proxy_budget_limit', 'Limit of a budget.', bucketLabels);
  const degraded = gauge('binance_proxy_budget_degraded', '1 while the shared budget store is away.');
  const queued = gauge('binance_proxy_reads_waiting', 'Reads that wait for budget.');
  const frozen = labelled('binance_proxy_upstream_frozen', '1 while Binance wants silence on a host.', [
    'upstream',
  ]);
  const frozenUntil = labelled(
    'binance_proxy_upstream_frozen_until_seconds',
    'Server time at which a frozen host may be asked again.',
    ['upstream'],
  );
  const frozenOrders = labelled('binance_proxy_orders_frozen', '1 while an account may place no orders.', [
    'account',
  ]);
  const synced = gauge('binance_proxy_clock_synced', '1 once the time of the exchange is known.');
  const offset = gauge(
    'binance_proxy_clock_offset_seconds',
    'Time of the exchange less that of this machine.',
  );
  const age = gauge('binance_proxy_clock_age_seconds', 'Time since the clock was last measured.');
  const roundTrip = gauge('binance_proxy_clock_round_trip_seconds', 'Round trip of the measurement in use.');
  const preflight = labelled(
    'binance_proxy_key_preflight',
    '1 for the present verdict on the permissions of the key of an account.',
    ['account', 'verdict'],
  );
  const auditAvailable = gauge('binance_proxy_audit_available', '1 while audit records can be stored.');
  const auditErrors = new Counter({
    name: 'binance_proxy_audit_errors_total',
    help: 'Audit records that could not be stored or printed.',
    registers,
  });
  const unresolved = gauge('binance_proxy_orders_unresolved', 'Sent orders whose fate is still being asked.');
  const sockets = gauge('binance_proxy_websocket_connections', 'Open WebSocket connections of apps.');

  return function read() {
    const state = status();
    ready.set(Number(state.ready));
    for (const each of [used, reported, limit, frozen, frozenUntil, frozenOrders, preflight]) each.reset();

    const { buckets, frozen: hosts, frozenOrders: accounts, waiting, degraded: away } = budgets.state;
    for (const { key, scope, kind, upstream, ...bucket } of buckets) {
      const labels = { bucket: key, scope, kind, upstream };
      used.set(labels, bucket.used);
      reported.set(labels, bucket.reported);
      limit.set(labels, bucket.limit);
    }
    degraded.set(Number(away));
    queued.set(waiting);
    for (const upstream of UPSTREAM_NAMES) frozen.set({ upstream }, 0);
    for (const { upstream, untilMs } of hosts) {
      frozen.set({ upstream }, 1);
      frozenUntil.set({ upstream }, untilMs / SECOND_MS);
    }
    for (const account of config().settings.accounts.keys()) frozenOrders.set({ account }, 0);
    for (const { account } of accounts) frozenOrders.set({ account }, 1);

    const { offsetMs, ageMs, roundTripMs } = clock.state;
    synced.set(Number(clock.state.synced));
    offset.set(seconds(offsetMs));
    age.set(seconds(ageMs));
    roundTrip.set(seconds(roundTripMs));

    for (const [account, verdict] of Object.entries(state.preflight)) {
      for (const each of VERDICTS) preflight.set({ account, verdict: each }, Number(each === verdict));
    }
    auditAvailable.set(Number(trail.state.available));
    auditErrors.reset();
    auditErrors.inc(trail.state.errors);
    unresolved.set(unresolvedOrders());
    sockets.set(openSockets());
  };
}

/** Prometheus' own word for what is not known. */
function seconds(ms: number | undefined): number {
  return ms === undefined ? Number.NaN : ms / SECOND_MS;
}
