import { MINUTE_MS } from '../core/intervals.ts';
import type { Notice, Severity } from './notice.ts';

/** A line of the trail, as a notice reads it. */
export interface TrailLine {
  readonly time: string;
  readonly level: number;
  readonly event: string;
  readonly seq?: number;
  readonly account?: string;
  readonly client?: string;
  readonly upstream?: string;
  readonly msg?: string;
  readonly clientOrderId?: string | readonly string[];
  readonly detail?: Readonly<Record<string, unknown>>;
  /** What is asked for, of an approval. */
  readonly approval?: Readonly<Record<string, unknown>>;
}

interface Kind {
  readonly severity: Severity | ((line: TrailLine) => Severity);
  /** ASCII: it goes into a header. */
  readonly title: string;
  /** False for a record of that event that nobody has to know at once. */
  readonly when?: (line: TrailLine) => boolean;
  /** The sentence, where the record has none. */
  readonly text?: (line: TrailLine) => string;
}

const WARN = 40;

/** Which records of the trail are told at once, and how. What stands in no row is for the audit alone. */
const KINDS: Readonly<Record<string, Kind>> = {
  'preflight.failed': { severity: 'critical', title: 'A key may too much' },
  'preflight.overdue': { severity: 'warning', title: 'A key was not judged for hours' },
  'upstream.frozen': {
    severity: 'warning',
    title: 'Binance wants silence',
    when: ({ time, detail }) => Number(detail?.untilMs) - Date.parse(time) >= MINUTE_MS,
    text: ({ detail }) =>
      `${detail?.account === undefined ? `Calls to ${detail?.upstream}` : 'Orders'} are refused until ${isoIn(detail?.untilMs)}, after an answer with status ${detail?.status}.`,
  },
  'budget.degraded': {
    severity: 'warning',
    title: 'Redis is away',
    text: () => 'The shared budgets cannot be reached: this proxy uses its own part of them.',
  },
  'audit.failed': {
    severity: 'critical',
    title: 'Records cannot be stored',
    text: ({ detail }) => `The audit file cannot be written (${detail?.code}): nothing is signed.`,
  },
  'call.unresolved': {
    severity: 'critical',
    title: 'The fate of an order is not known',
    text: ({ clientOrderId, detail }) =>
      `What became of ${[clientOrderId].flat().join(', ')} is not known after ${detail?.asked} questions: look at Binance.`,
  },
  'call.resolved': {
    severity: 'warning',
    title: 'The fate of an order cannot be asked',
    when: ({ detail }) => detail?.resolution === 'not-queryable',
    text: ({ clientOrderId }) =>
      `The answer to an order was lost, and it cannot be asked for (${[clientOrderId].flat().join(', ')}): look at Binance.`,
  },
  'key.refused': { severity: 'critical', title: 'Binance refuses a key' },
  'key.unused': { severity: 'warning', title: 'A key is not used' },
  'key.old': { severity: 'warning', title: 'A key is old' },
  'key.ending': { severity: 'warning', title: 'The right of a key ends' },
  'order.foreign': {
    severity: ({ detail }) => (detail?.origin === 'foreign' ? 'critical' : 'info'),
    title: 'An order that did not come from here',
  },
  'watch.blind': { severity: 'warning', title: 'An account is not watched' },
  'refusals.streak': {
    severity: 'warning',
    title: 'Orders of a client are refused in a row',
  },
  'state.changed': {
    severity: ({ level }) => (level >= WARN ? 'warning' : 'info'),
    title: 'A trading state was entered',
    text: ({ detail }) => `${detail?.state} holds.`,
  },
  'approval.asked': { severity: 'warning', title: 'An approval is asked for' },
};

/** True for the event of a record that may become a notice. */
export function mayBeNotice(event: string): boolean {
  return Object.hasOwn(KINDS, event);
}

/** What an operator is told of a record; undefined when nothing. */
export function noticeOf(line: TrailLine): Notice | undefined {
  const kind = mayBeNotice(line.event) ? KINDS[line.event] : undefined;
  if (kind === undefined || kind.when?.(line) === false) return undefined;
  const { event, time, seq, account, client, upstream, msg, detail, approval } = line;
  const severity = typeof kind.severity === 'function' ? kind.severity(line) : kind.severity;
  const facts = shortFacts({ ...detail, ...approval });
  return {
    ...{ event, severity, title: kind.title, time },
    text: msg ?? kind.text?.(line) ?? kind.title,
    ...(seq === undefined ? {} : { seq }),
    ...(account === undefined ? {} : { account }),
    ...(client === undefined ? {} : { client }),
    ...(upstream === undefined ? {} : { upstream }),
    ...(Object.keys(facts).length === 0 ? {} : { detail: facts }),
  };
}

/** Single values: lists and objects are for whoever opens the record. */
function shortFacts(detail: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(detail).filter(([, value]) => Object(value) !== value));
}

function isoIn(ms: unknown): string {
  return typeof ms === 'number' ? new Date(ms).toISOString() : 'it says otherwise';
}
