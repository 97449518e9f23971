import { isForgotten, type KeyCareState } from '../../upstream/key-care.ts';
import type { Status } from '../status.ts';
import type { OverviewFacts } from './overview-facts.ts';

/** Something that is not well, in words, and what to do about it. */
export interface Trouble {
  readonly level: 'bad' | 'warning';
  readonly what: string;
  readonly advice: string;
}

const ADVICE: Readonly<Record<Status['reasons'][number]['name'], string>> = {
  redis: 'Bring Redis back: until it was heard once this proxy cannot know its part of the budgets.',
  stopping: 'Wait for the next start, or look at what ended it.',
  starting: 'Wait a moment; if it lasts, look at the log for what the start waits for.',
  clock: 'See whether Binance can be reached from this machine: run "check".',
  preflight:
    'Run "check": it names the switch of the key that has to change, or why Binance does not answer.',
  audit:
    'Make room on the disk or give the folder back its rights: no signed call leaves without its record.',
};
const NEARLY_FULL = 0.9;
const OLD_CLOCK_MS = 3_600_000;

/** What is not well, the worst first. */
export function findTroubles(facts: OverviewFacts): readonly Trouble[] {
  const troubles = [
    ...facts.status.reasons.map(({ name, sentence }) => bad(sentence, ADVICE[name])),
    ...stateTroubles(facts),
    ...budgetTroubles(facts),
    ...orderTroubles(facts),
    ...keyTroubles(facts),
    ...auditTroubles(facts),
  ];
  return troubles.toSorted((one, other) => Number(other.level === 'bad') - Number(one.level === 'bad'));
}

function bad(what: string, advice: string): Trouble {
  return { level: 'bad', what, advice };
}

function warning(what: string, advice: string): Trouble {
  return { level: 'warning', what, advice };
}

function stateTroubles({ states }: OverviewFacts): readonly Trouble[] {
  return states
    .filter(({ state }) => state !== 'run')
    .map(({ scope, name, state, operator, reason }) =>
      warning(
        `${scope === 'proxy' ? 'The whole proxy' : `The ${scope} ${name}`} is ${state}, set by ${operator}: ${reason}`,
        'Set it to run again when the reason is gone.',
      ),
    );
}

function budgetTroubles({ budgets, nowMs }: OverviewFacts): readonly Trouble[] {
  const { degraded, frozen, frozenOrders, buckets } = budgets;
  const seconds = (untilMs: number) => `${Math.max(0, Math.ceil((untilMs - nowMs) / 1_000))} s`;
  return [
    ...frozen.map(({ upstream, untilMs, status }) =>
      bad(
        `Binance answered ${status}: nothing is sent to ${upstream} for ${seconds(untilMs)}.`,
        'Wait; it goes on by itself. Find the client with the most calls below, and slow it down.',
      ),
    ),
    ...frozenOrders.map(({ account, untilMs }) =>
      bad(
        `The account ${account} may place no orders for ${seconds(untilMs)}: Binance says that it placed too many.`,
        'Wait; it goes on by itself. Give its clients order limits.',
      ),
    ),
    ...(degraded
      ? [
          warning(
            'Redis is away: each proxy uses its own part of the budgets.',
            'Bring Redis back; nothing else needs to be done.',
          ),
        ]
      : []),
    ...buckets
      .filter(({ used, reported, limit }) => Math.max(used, reported) >= limit * NEARLY_FULL)
      .map(({ key, used, reported, limit }) =>
        warning(
          `${Math.max(used, reported)} of ${limit} are used of ${key}.`,
          'Reads wait or are refused when it is full; what is kept for orders and cancels stays free.',
        ),
      ),
  ];
}

function orderTroubles({ unresolved, approvalsPending }: OverviewFacts): readonly Trouble[] {
  const troubles: Trouble[] = [];
  if (unresolved.length > 0)
    troubles.push(
      bad(
        `${unresolved.length === 1 ? 'One order has' : `${unresolved.length} orders have`} an unknown fate: the answer was lost.`,
        'The proxy goes on asking Binance. Do not place the order again before it says what became of it.',
      ),
    );
  if (approvalsPending > 0)
    troubles.push(
      warning(
        `${approvalsPending === 1 ? 'One call waits' : `${approvalsPending} calls wait`} for a yes or no.`,
        'Decide under Approvals.',
      ),
    );
  return troubles;
}

function keyTroubles({ status, nowMs }: OverviewFacts): readonly Trouble[] {
  const soonMs = nowMs + 14 * 86_400_000;
  return [
    ...Object.entries(status.newKeys).map(([account, why]) =>
      warning(
        `The new key of ${account} does not sign yet: ${why}`,
        'The key before it signs until then. Run "check".',
      ),
    ),
    ...Object.entries(status.keys).flatMap(([account, key]) => careTroubles(account, key)),
    ...Object.entries(status.tradingAuthorityEnds)
      .filter(([, ends]) => Date.parse(ends) < soonMs)
      .map(([account, ends]) =>
        warning(
          `The right of the key of ${account} to trade ends at ${ends}.`,
          'Renew it at Binance before then.',
        ),
      ),
  ];
}

function careTroubles(account: string, key: KeyCareState): readonly Trouble[] {
  const { ageDays, maxAgeDays, unusedDays } = key;
  const troubles: Trouble[] = [];
  if (isForgotten(key))
    troubles.push(
      warning(
        `No app has used the key of ${account} for ${unusedDays} days, and it has no IP list: Binance deletes it soon.`,
        'Give it an IP list at Binance, use it, or delete it.',
      ),
    );
  if (ageDays !== undefined && ageDays >= maxAgeDays)
    troubles.push(
      warning(
        `The key of ${account} is ${ageDays} days old; ${maxAgeDays} are set as its limit.`,
        'Put a new one in its place: docs/rotation.md.',
      ),
    );
  return troubles;
}

function auditTroubles({ status, clients }: OverviewFacts): readonly Trouble[] {
  const troubles: Trouble[] = [];
  const { clock, audit } = status;
  if (clock.ageMs !== undefined && clock.ageMs > OLD_CLOCK_MS)
    troubles.push(warning('The time of Binance was not read for an hour.', ADVICE.clock));
  if (audit.errors > 0)
    troubles.push(
      warning(
        `${audit.errors} audit records could not be stored or printed.`,
        'Look at the disk and the log.',
      ),
    );
  const reporting = clients.filter(({ policyMode }) => policyMode === 'report').map(({ name }) => name);
  if (reporting.length > 0)
    troubles.push(
      warning(
        `Rules of ${reporting.join(', ')} are reported only: nothing is refused by them.`,
        'Set policyMode to enforce when their records show nothing that should pass.',
      ),
    );
  return troubles;
}
