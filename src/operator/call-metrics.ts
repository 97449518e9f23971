import { Counter, Histogram, type Registry } from 'prom-client';
import type { Settings } from '../config/schema/settings.ts';
import { type Outcome, PROXY_ERRORS, type ProxyError } from '../core/errors.ts';
import { SECOND_MS } from '../core/intervals.ts';
import { UPSTREAM_NAMES } from '../core/upstream.ts';
import type { CallContext, SharedAnswer } from '../pipeline/call-context.ts';
import { beginAtZero, type Needs } from './known-series.ts';

/** Counts and times calls. No label ever holds a text that a client sent. */
export interface CallMetrics {
  /** Lets every series that the configuration makes possible begin at 0. */
  expect(settings: Settings): void;
  /** Counts a call that was signed. Its record is stored; its bytes are sent next. */
  signed(context: CallContext): void;
  /** Counts the end of a sent call; `durationMs` from its arrival. */
  completed(context: CallContext, end: CountedEnd, durationMs: number): void;
  /** Counts a refusal before anything was sent; `context` is undefined when the request never became a call. */
  refused(context: CallContext | undefined, error: ProxyError): void;
  /** Counts a call of a client in report mode that enforce mode would have refused. */
  reported(context: CallContext): void;
}

interface CountedEnd {
  readonly outcome: Outcome;
  /** HTTP status of the answer to the client. */
  readonly status: number | undefined;
}

/** From 0.1 ms, for the proxy's own part, to the 15 s within which Binance has to begin its answer. */
const LATENCY_BUCKETS_SECONDS: readonly number[] = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15,
];
/** The label of what does not apply. */
const NONE = 'none';
/** Rules are constants of this program, so there are few. The cap holds if a later rule is not. */
const MOST_RULES = 100;
const OTHER_RULE = 'other';

export function createCallMetrics(registry: Registry, needs: Needs): CallMetrics {
  const counters = createCounters(registry);
  const timers = createTimers(registry);
  const knownRule = createRuleLabels();

  function count(context: CallContext | undefined, { outcome, status }: CountedEnd): void {
    counters.calls.inc({
      client: clientOf(context),
      upstream: context?.endpoint?.upstream ?? context?.call?.upstream ?? NONE,
      permission: context?.endpoint?.permission ?? NONE,
      outcome,
      status: status === undefined ? NONE : `${Math.floor(status / 100)}xx`,
    });
  }

  function countShared(context: CallContext, { how, family, savedWeight }: SharedAnswer): void {
    const client = clientOf(context);
    counters.shared.inc({ client, family, how });
    counters.saved.inc({ client, family }, savedWeight);
  }

  return {
    expect: (settings) => beginAtZero(counters, settings, needs),
    signed(context) {
      counters.signatures.inc({
        client: clientOf(context),
        account: context.account ?? NONE,
        upstream: context.endpoint?.upstream ?? NONE,
      });
    },
    completed(context, end, durationMs) {
      count(context, end);
      const { endpoint } = context;
      if (end.outcome === 'unknown' && endpoint !== undefined)
        counters.unknown.inc({ client: clientOf(context), permission: endpoint.permission });
      timers.waiting(context, context.waitMs);
      if (context.endpoint?.security === 'SIGNED') timers.signing(context, context.signMs);
      timers.upstream(context, context.upstreamMs);
      // Who joined a call waited for Binance as long as it took, and not for the proxy.
      if (context.shared?.how !== 'merged')
        timers.added(context, durationMs - (context.waitMs ?? 0) - (context.upstreamMs ?? 0));
      if (context.shared !== undefined) countShared(context, context.shared);
    },
    refused(context, error) {
      count(context, error);
      // The rule of a bug is where it was thrown. That belongs in the log.
      const rule = error.name === 'PROXY_INTERNAL' ? undefined : error.rule;
      counters.refusals.inc({ error: error.name });
      counters.refusalsByRule.inc({ error: error.name, rule: knownRule(rule) });
    },
    reported(context) {
      counters.reports.inc({ client: clientOf(context) });
    },
  };
}

function createCounters(registry: Registry) {
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter({ name, help, labelNames: [...labelNames], registers: [registry] });
  const calls = counter(
    'binance_proxy_calls_total',
    'Ended calls by client, upstream, permission, x-proxy-outcome and class of the HTTP status.',
    ['client', 'upstream', 'permission', 'outcome', 'status'],
  );
  const signatures = counter(
    'binance_proxy_signed_calls_total',
    'Signed sendings by client, account and upstream; each has its record before it leaves.',
    ['client', 'account', 'upstream'],
  );
  const refusals = counter(
    'binance_proxy_refusals_total',
    'Refusals before anything was sent, by x-proxy-error.',
    ['error'],
  );
  // From zero on: an alert on the increase of a series that begins at one would miss the first refusal.
  for (const error of Object.keys(PROXY_ERRORS)) refusals.inc({ error }, 0);
  const refusalsByRule = counter(
    'binance_proxy_refusals_by_rule_total',
    'Refusals before anything was sent, by x-proxy-error and rule.',
    ['error', 'rule'],
  );
  const unknown = counter(
    'binance_proxy_unknown_outcomes_total',
    'Sent calls without a trustworthy answer, by client and permission.',
    ['client', 'permission'],
  );
  const reports = counter(
    'binance_proxy_policy_reported_total',
    'Calls of clients in report mode that enforce mode would have refused.',
    ['client'],
  );
  const shared = counter(
    'binance_proxy_shared_calls_total',
    'Calls that were not sent, by client and family: merged with one under way, or answered from memory (hit).',
    ['client', 'family', 'how'],
  );
  const saved = counter(
    'binance_proxy_shared_weight_saved_total',
    'Weight that those calls would have cost, by client and family.',
    ['client', 'family'],
  );
  return { calls, signatures, refusals, refusalsByRule, unknown, reports, shared, saved };
}

function createTimers(registry: Registry) {
  return {
    waiting: createTimer(registry, 'binance_proxy_wait_seconds', 'Time that a call waited for budget.'),
    signing: createTimer(registry, 'binance_proxy_signing_seconds', 'Time to stamp and sign.'),
    upstream: createTimer(
      registry,
      'binance_proxy_upstream_seconds',
      'Time from sending to the end of the answer.',
    ),
    added: createTimer(
      registry,
      'binance_proxy_added_seconds',
      'Time that the proxy added to a call: all but waiting and upstream.',
    ),
  };
}

/** A histogram whose children are looked up by upstream without building a label set for each call. */
function createTimer(registry: Registry, name: string, help: string) {
  const histogram = new Histogram({
    name,
    help,
    labelNames: ['upstream'] as const,
    buckets: [...LATENCY_BUCKETS_SECONDS],
    registers: [registry],
  });
  const byUpstream = new Map(
    UPSTREAM_NAMES.map((each) => [each, histogram.labels({ upstream: each })] as const),
  );
  return (context: CallContext, ms: number | undefined): void => {
    const child = context.endpoint && byUpstream.get(context.endpoint.upstream);
    if (child !== undefined && ms !== undefined) child.observe(Math.max(0, ms) / SECOND_MS);
  };
}

/** Bounds how many rules become labels: those beyond the bound share one label. */
function createRuleLabels() {
  const rules = new Set<string>();
  return (rule: string | undefined): string => {
    if (rule === undefined) return NONE;
    if (rules.has(rule)) return rule;
    if (rules.size >= MOST_RULES) return OTHER_RULE;
    rules.add(rule);
    return rule;
  };
}

function clientOf(context: CallContext | undefined): string {
  return (context?.client ?? context?.identified)?.name ?? NONE;
}
