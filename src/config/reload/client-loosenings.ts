import { ANONYMOUS, type Client, type OrderRules, verifyingKeys } from '../../core/access/client.ts';
import { ExactDecimal } from '../../core/decimal.ts';
import { isHigherSomewhere } from './amount-comparison.ts';
import { looserApprovalRules } from './approval-loosenings.ts';

/** What the client would gain, as the rest of a sentence that begins with its name; undefined when that is nothing. */
type FieldJudge = (before: Client, after: Client) => string | undefined;

/** True when the second value refuses less than the first. */
type Comparison<T> = (before: T, after: T) => boolean;

/** Every field of a client: one that is added has to be judged here before the program compiles. */
const FIELDS: { readonly [Field in keyof Client]-?: FieldJudge } = {
  name: () => undefined,
  account: ({ name, account }, after) =>
    name !== ANONYMOUS && account !== after.account ? 'would move to another account' : undefined,
  secret: (before, after) =>
    before.secret !== undefined && !verifiesSignatures(after)
      ? 'would lose its issued secret: its signatures would be verified no more'
      : undefined,
  publicKey: (before, after) =>
    before.publicKey !== undefined && !verifiesSignatures(after)
      ? 'would lose its public key: its signatures would be verified no more'
      : undefined,
  requireSignature: (before, after) =>
    before.requireSignature && !after.requireSignature ? 'would be free to sign nothing' : undefined,
  permissions: (before, after) => gained('permission', before.permissions, after.permissions),
  symbols: (before, after) => {
    if (before.symbols === undefined) return undefined;
    if (after.symbols === undefined) return 'would be free to trade every symbol';
    return gained('symbol', before.symbols, after.symbols);
  },
  order: (before, after) => {
    const rules = looserOrderRules(before.order ?? {}, after.order ?? {});
    return rules.length === 0
      ? undefined
      : `would have looser limits: ${rules.map((rule) => `order.${rule}`).join(', ')}`;
  },
  approval: (before, after) => {
    if (before.approval === undefined) return undefined;
    if (after.approval === undefined) return "would need nobody's approval any more";
    const rules = looserApprovalRules(before.approval, after.approval);
    return rules.length === 0
      ? undefined
      : `would have looser approvals: ${rules.map((rule) => `approval.${rule}`).join(', ')}`;
  },
  weightPerMinute: (before, after) =>
    looserOrGone((client: Client) => client.weightPerMinute, isHigher)(before, after)
      ? 'would have a larger weightPerMinute, or none'
      : undefined,
  requestsPerSecond: (before, after) =>
    looserOrGone((client: Client) => client.requestsPerSecond, isHigher)(before, after)
      ? 'would have more requestsPerSecond, or no limit of them'
      : undefined,
  stopAfterRefusals: (before, after) =>
    looserOrGone((client: Client) => client.stopAfterRefusals, isHigher)(before, after)
      ? 'would be stopped after more refusals, or never'
      : undefined,
  expiresMs: (before, after) =>
    looserOrGone((client: Client) => client.expiresMs, isHigher)(before, after)
      ? 'would have a key that ends later, or never'
      : undefined,
  deadMan: ({ deadMan: before }, { deadMan: after }) => {
    if (before === undefined) return undefined;
    if (after === undefined) return 'would lose its deadMan: its silence would cancel nothing';
    const isLooser =
      after.silenceMs > before.silenceMs ||
      (before.exchange && (!after.exchange || after.countdownMs > before.countdownMs));
    return isLooser ? 'would have a deadMan that acts later, or not at Binance' : undefined;
  },
  cancelOnDisconnectMs: (before, after) =>
    looserOrGone((client: Client) => client.cancelOnDisconnectMs, isHigher)(before, after)
      ? 'would keep its orders longer after its last socket closed'
      : undefined,
  policyMode: (before, after) =>
    before.policyMode === 'enforce' && after.policyMode === 'report'
      ? 'would be in report mode: its rules would refuse nothing'
      : undefined,
};

/** Every order rule: one that is added has to be compared here before the program compiles. */
const ORDER_RULES: { readonly [Rule in keyof OrderRules]-?: Comparison<OrderRules> } = {
  types: looserOrGone(
    ({ types }) => types,
    (before, after) => !after.isSubsetOf(before),
  ),
  maxNotional: looserOrGone(({ maxNotional }) => maxNotional, isHigherSomewhere),
  maxNotionalPerDay: looserOrGone(({ maxNotionalPerDay }) => maxNotionalPerDay, isHigherSomewhere),
  maxPerDay: looserOrGone(({ maxPerDay }) => maxPerDay, isHigher),
  maxLeverage: looserOrGone(({ maxLeverage }) => maxLeverage, isHigher),
  priceBand: looserOrGone(({ priceBand }) => priceBand, isHigherDecimal),
  maxSpread: looserOrGone(({ maxSpread }) => maxSpread, isHigherDecimal),
  perSecond: looserOrGone(({ perSecond }) => perSecond, isHigher),
  perMinute: looserOrGone(({ perMinute }) => perMinute, isHigher),
  repeats: looserOrGone(
    ({ repeats }) => repeats,
    (before, after) => after.max > before.max || after.withinMs < before.withinMs,
  ),
  maxOpen: looserOrGone(({ maxOpen }) => maxOpen, isHigher),
};

/** One sentence for each field by which a client could do more than before. */
export function clientLoosenings(before: Client, after: Client): readonly string[] {
  return Object.values(FIELDS).flatMap((judge) => {
    const gain = judge(before, after);
    return gain === undefined ? [] : `clients.${before.name} ${gain}.`;
  });
}

/** A key may take the place of another, and one of two may go: what the one signed that went is refused. */
function verifiesSignatures(client: Client): boolean {
  return verifyingKeys(client).length > 0;
}

function looserOrderRules(before: OrderRules, after: OrderRules): readonly string[] {
  return Object.entries(ORDER_RULES).flatMap(([name, isLooser]) => (isLooser(before, after) ? name : []));
}

/** How one limit of `Rules` is compared: one that is not set any more is the loosest of all. */
function looserOrGone<Rules, Limit>(
  read: (rules: Rules) => Limit | undefined,
  isLooser: Comparison<Limit>,
): Comparison<Rules> {
  return (before, after) => {
    const limit = read(before);
    const next = read(after);
    return limit !== undefined && (next === undefined || isLooser(limit, next));
  };
}

function isHigher(before: number, after: number): boolean {
  return after > before;
}

function isHigherDecimal(before: string, after: string): boolean {
  return new ExactDecimal(after).gt(before);
}

function gained(what: string, before: ReadonlySet<string>, after: ReadonlySet<string>): string | undefined {
  const more = [...after].filter((name) => !before.has(name));
  if (more.length === 0) return undefined;
  return `would gain the ${what}${more.length === 1 ? '' : 's'} ${more.join(', ')}`;
}
