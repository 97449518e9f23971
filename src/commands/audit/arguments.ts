import { readMoment } from '../../audit/reading/read-moment.ts';
import type { Selection } from '../../audit/reading/selection.ts';
import { UsageError, type Values } from '../base/cli.ts';

/** The argument of every audit command. */
export const TRAIL_PATH = { argument: 'the path of an audit folder or file', isRepeatable: true } as const;

/** The options with which both `show` and `report` narrow down what they read. */
export const RANGE = {
  client: { type: 'string' },
  since: { type: 'string' },
  until: { type: 'string' },
} as const;

/** The options with which `show` and `tail` choose records by what they say. */
export const SUBJECT = {
  outcome: { type: 'string' },
  event: { type: 'string' },
  error: { type: 'string' },
  symbol: { type: 'string' },
} as const;

/**
 * The client and the time that are asked for.
 * @throws UsageError for a time that cannot be read
 */
export function readRange({ client, since, until }: Values<typeof RANGE>): Selection {
  return { client, sinceMs: moment('since', since, 'start'), untilMs: moment('until', until, 'end') };
}

function moment(name: string, text: string | undefined, edge: 'start' | 'end'): number | undefined {
  if (text === undefined) return undefined;
  const timeMs = readMoment(text, edge, Date.now());
  if (timeMs === undefined) {
    throw new UsageError(`--${name} takes a day, an ISO time in UTC, or 90m, 24h, 7d.`);
  }
  return timeMs;
}
