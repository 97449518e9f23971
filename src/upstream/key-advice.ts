import type { Permission } from '../core/catalogue/permission.ts';
import { DAY_MS } from '../core/intervals.ts';

/** The switches of a key as `GET /sapi/v1/account/apiRestrictions` tells them. */
type KeySwitches = Readonly<Record<string, boolean>>;

/** What Binance says of a key. */
export interface KeyFacts {
  readonly switches: KeySwitches;
  /** When its right to trade spot and margin ends, in ms since the epoch; told of keys without IP restriction only. */
  readonly authorityEndsMs: number | undefined;
  /** When Binance made it, in ms since the epoch. */
  readonly createdMs: number | undefined;
}

/** What is worth knowing of a key that stops nothing. */
export interface KeyAdvice {
  /** What will hurt: calls that fail, now or soon, or a key that is easier to misuse than it has to be. */
  readonly warnings: readonly string[];
  /** What could be tighter. */
  readonly notes: readonly string[];
  /** Names of the switches that are on and that no client needs. */
  readonly tooMuch: readonly string[];
}

/** What the advice is judged by. */
export interface AdviceOptions {
  /** Permissions that at least one client of the account was granted. */
  readonly granted: ReadonlySet<Permission>;
  /** ms since the epoch. */
  readonly nowMs: number;
}

/** The switches that a permission needs at Binance, by the names that its page and its API give them. */
const SWITCHES: readonly (readonly [name: string, label: string, permission: Permission])[] = [
  ['enableReading', 'Enable Reading', 'read'],
  ['enableSpotAndMarginTrading', 'Enable Spot & Margin Trading', 'spot-margin-trade'],
  ['enableMargin', 'Enable Margin Loan, Repay & Transfer', 'loan'],
  ['enableFutures', 'Enable Futures', 'futures-trade'],
  ['enableVanillaOptions', 'Enable European Options', 'options-trade'],
  ['enablePortfolioMarginTrading', 'Enable Portfolio Margin Trading', 'portfolio-margin-trade'],
  ['permitsUniversalTransfer', 'Permits Universal Transfer', 'universal-transfer'],
  ['enableInternalTransfer', 'Enable Internal Transfer', 'internal-transfer'],
];

/** Nobody asks for this permission, and no key can be without it. */
const ALWAYS_ON = 'enableReading';
const TELL_BEFORE_MS = 14 * DAY_MS;
const AUTHORITY = 'The right of the key to trade spot and margin (tradingAuthorityExpirationTime)';
const RENEW = 'restrict the key to this address at Binance, or renew it there';

/** Compares a key with what clients were granted, both ways, and looks at how long it may trade. */
export function adviseOnKey(facts: KeyFacts, { granted, nowMs }: AdviceOptions): KeyAdvice {
  const { switches } = facts;
  const lacking = SWITCHES.filter(
    ([name, , permission]) => switches[name] === false && granted.has(permission),
  );
  const idle = SWITCHES.filter(
    ([name, , permission]) => switches[name] === true && name !== ALWAYS_ON && !granted.has(permission),
  );
  const warnings = [...adviseOnAddress(switches), ...adviseOnAuthority(facts, nowMs)];
  if (lacking.length > 0) {
    warnings.push(
      `Clients were granted what the key is not switched on for at Binance, which refuses those calls: ${namesOf(lacking)}. Switch it on there, or take the permission away here.`,
    );
  }
  const notes =
    idle.length === 0
      ? []
      : [
          `The key is switched on at Binance for what no client was granted: ${namesOf(idle)}. Switch it off there, and the key is worth less to a thief.`,
        ];
  return { warnings, notes, tooMuch: idle.map(([name]) => name) };
}

function adviseOnAddress({ ipRestrict }: KeySwitches): readonly string[] {
  if (ipRestrict === true) return [];
  return ['The key has no IP restriction (ipRestrict): restrict it to this address.'];
}

function adviseOnAuthority(facts: KeyFacts, nowMs: number): readonly string[] {
  const sentence = authorityEnd(facts, nowMs);
  return sentence === undefined ? [] : [sentence];
}

/** The sentence about a right to trade that ends soon; undefined while there is time. */
export function authorityEnd({ authorityEndsMs }: KeyFacts, nowMs: number): string | undefined {
  if (authorityEndsMs === undefined || authorityEndsMs - nowMs > TELL_BEFORE_MS) return undefined;
  const verb = authorityEndsMs > nowMs ? 'ends' : 'ended';
  return `${AUTHORITY} ${verb} at ${isoOf(authorityEndsMs)}: ${RENEW}.`;
}

/** The switch that a permission needs at Binance. */
export function switchFor(needed: Permission): { readonly name: string; readonly label: string } | undefined {
  const found = SWITCHES.find(([, , permission]) => permission === needed);
  return found === undefined ? undefined : { name: found[0], label: found[1] };
}

function namesOf(
  switches: readonly (readonly [name: string, label: string, permission: Permission])[],
): string {
  return switches.map(([name, label, permission]) => `"${label}" (${name}) for ${permission}`).join(', ');
}

/** A time as Binance tells it, in words that a person reads. */
export function isoOf(atMs: number): string {
  return new Date(atMs).toISOString();
}
