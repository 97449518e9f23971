import { Counter, Histogram, type Registry } from 'prom-client';
import { type Outcome, PROXY_ERRORS, type ProxyError } from '../core/errors.ts';
import { SECOND_MS } from '../core/intervals.ts';
import { UPSTREAM_NAMES } from '../core/upstream.ts';
import type { CallContext } from '../pipeline/call-context.ts';

/** What is counted and timed about calls. No label ever holds a text that a client sent. */
export interface CallMetrics {
  /** A call that was signed: its record stands, its bytes leave next. */
  signed(context: CallContext): void;
  /** The end of a sent call; `durationMs` from its arrival. */
  completed(context: CallContext, end: CountedEnd, durationMs: number): void;
  /** A call, or what never became one, that was answered by the proxy itself before anything was sent. */
  refused(context: CallContext | undefined, error: ProxyError): void;
  /** What would have been refused, had the client not been in report mode. */
  reported(context: CallContext): void;
}

interface CountedEnd {
  readonly outcome: Outcome;
  /** HTTP status of the answer to the client. */
  readonly status: number | undefined;
}

/** Sub-millisecond steps for the proxy's own part, up to the 15 s that Binance is given to begin its answer. */
const LATENCY_BUCKETS_SECONDS: readonly number[] = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15,
];
/** The label of what does not apply; no client can be called so in a configuration that means it. */
const NONE = 'none';
/** Rules are words of this program; the cap holds whatever a later rule may be made of. */
const MOST_RULES = 100;
const OTHER_RULE = 'other';

export function createCallMetrics(registry: Registry): CallMetrics {
  const registers = [registry];
  const calls = new Counter({
    name: 'binance_proxy_calls_total',
    help: 'Ended calls by client, upstream, permission, x-proxy-outcome and class of the HTTP status.',
    labelNames: ['client', 'upstream', 'permission', 'outcome', 'status'] as const,
    registers,
  });
  const signatures = new Counter({
    name: 'binance_proxy_signed_calls_total',
    help: 'Signed sendings by client, account and upstream; each has its record before it leaves.',
    labelNames: ['client', 'account', 'upstream'] as const,
    registers,
  });
  const refusals = new Counter({
    name: 'binance_proxy_refusals_total',
    help: 'Refusals before anything was sent, by x-proxy-error.',
    labelNames: ['error'] as const,
    registers,
  });
  // From zero on: an alert on the increase of a series that begins at one would miss the first refusal.
  for (const error of Object.keys(PROXY_ERRORS)) refusals.inc({ error }, 0);
  const refusalsByRule = new Counter({
    name: 'binance_proxy_refusals_by_rule_total',
    help: 'Refusals before anything was sent, by x-proxy-error and rule.',
    labelNames: ['error', 'rule'] as const,
    registers,
  });
  const reports = new Counter({
    name: 'binance_proxy_policy_reportedtotal',
    help: 'Calls of clients in report mode that enforce mode would have refused.',
    labelNames: ['client'] as const,
    registers,
  });
  const waiting = timer('binance_proxy_wait_seconds', 'Time that a call waited for budget.');
  const signing = timer('binance_proxy_signing_seconds', 'Time to stamp and sign.');
  const upstream = timer('binance_proxy_upstream_seconds', 'Time from sending to the end of the answer.');
  const added = timer(
    'binance_proxy_added_seconds',
    'Time that the proxy added to a call: all but waiting and upstream.',
  );
  const rules = new Set<string>();

  /** A histogram whose children are looked up by upstream without building a label set for each call. */
  function timer(name: string, help: string) {
    const histogram = new Histogram({
      name,
      help,
      labelNames: ['upstream'] as const,
      buckets: [...LATENCY_BUCKETS_SECONDS],
      registers,
    });
    const byUpstream = new Map(
      UPSTREAM_NAMES.map((each) => [each, histogram.labels({ upstream: each })] as const),
    );
    return (context: CallContext, ms: number | undefined): void => {
      const child = context.endpoint && byUpstream.get(context.endpoint.upstream);
      if (child !== undefined && ms !== undefined) child.observe(Math.max(0, ms) / SECOND_MS);
    };
  }

  function count(context: CallContext | undefined, { outcome, status }: CountedEnd): void {
    calls.inc({
      client: clientOf(context),
      upstream: context?.endpoint?.upstream ?? context?.call?.upstream ?? NONE,
      permission: context?.endpoint?.permission ?? NONE,
      outcome,
      status: status === undefined ? NONE : `${Math.floor(status / 100)}xx`,
    });
  }

  function knownRule(rule: string | undefined): string {
    if (rule === undefined) return NONE;
    if (!rules.has(rule)) {
      if (rules.size >= MOST_RULES) return OTHER_RULE;
      rules.add(rule);
    }
    return rule;
  }

  return {
    signed(context) {
      signatures.inc({
        client: clientOf(context),
        account: context.account ?? NONE,
        upstream: context.endpoint?.upstream ?? NONE,
      });
    },
    completed(context, end, durationMs) {
      count(context, end);
      waiting(context, context.waitMs);
      if (context.endpoint?.security === 'SIGNED') signing(context, context.signMs);
      upstream(context, context.upstreamMs);
      added(context, durationMs - (context.waitMs ?? 0) - (context.upstreamMs ?? 0));
    },
    refused(context, error) {
      count(context, error);
      // The rule of a bug is where it was thrown: that belongs into the log.
      const rule = error.name === 'PROXY_INTERNAL' ? undefined : error.rule;
      refusals.inc({ error: error.name });
      refusalsByRule.inc({ error: error.name, rule: knownRule(rule) });
    },
    reported(context) {
      reports.inc({ client: clientOf(context) });
    },
  };
}

function clientOf(context: CallContext | undefined): string {
  return (context?.client ?? context?.identified)?.name ?? NONE;
}
