import type { Permission } from '../core/catalogue/permission.ts';
import { type AdviceOptions, adviseOnKey, type KeyAdvice, type KeyFacts } from './key-advice.ts';

/** What Binance says of a key, and what it means, given what clients were granted. */
export type KeyJudgement = KeyFacts &
  KeyAdvice &
  ({ readonly kind: 'passed' } | { readonly kind: 'failed'; readonly problems: readonly string[] });

/** Switches that let value leave: tolerated only where some client was granted the permission beside them. */
const RISKY: readonly (readonly [name: string, label: string, permission: Permission | undefined])[] = [
  ['enableWithdrawals', 'Enable Withdrawals', undefined],
  ['permitsUniversalTransfer', 'Permits Universal Transfer', 'universal-transfer'],
  ['enableInternalTransfer', 'Enable Internal Transfer', 'internal-transfer'],
];

/** Switches for what no client can do through this proxy. */
const NEVER_NEEDED = ['enableWithdrawals', 'enableFixApiTrade', 'enableFixReadOnly'] as const;

/** True for a switch that lets value leave. */
export function isRiskySwitch(name: string): boolean {
  return RISKY.some(([risky]) => risky === name);
}

/** @see https://developers.binance.com/docs/wallet/account/api-key-permission */
export function judgeKey(facts: KeyFacts, options: AdviceOptions): KeyJudgement {
  const problems: string[] = [];
  for (const [name, label, permission] of RISKY) {
    const isGranted = permission !== undefined && options.granted.has(permission);
    if (facts.switches[name] !== true || isGranted) continue;
    problems.push(
      `The key has "${label}" (${name}) switched on: turn it off at Binance, API Management, Edit restrictions.`,
    );
  }
  const advice = adviseOnKey(facts, options);
  const unused = NEVER_NEEDED.filter((name) => facts.switches[name] === true);
  const known = { ...facts, ...advice, tooMuch: [...unused, ...advice.tooMuch] };
  return problems.length > 0 ? { kind: 'failed', ...known, problems } : { kind: 'passed', ...known };
}

/** @throws Error for a text that does not say what a key may do */
export function readKeyFacts(text: string): KeyFacts {
  const parsed: unknown = JSON.parse(text);
  const switches: Record<string, boolean> = Object.create(null);
  if (typeof parsed !== 'object' || parsed === null) throw new Error('the key permissions are no object');
  for (const [name, value] of Object.entries(parsed)) if (typeof value === 'boolean') switches[name] = value;
  if (switches.enableWithdrawals === undefined) throw new Error('the key permissions lack enableWithdrawals');
  const { tradingAuthorityExpirationTime: endsMs, createTime } = parsed as Readonly<Record<string, unknown>>;
  return {
    switches,
    authorityEndsMs: isMoment(endsMs) ? endsMs : undefined,
    createdMs: isMoment(createTime) ? createTime : undefined,
  };
}

/** A time in ms that a date can be made of. */
function isMoment(value: unknown): value is number {
  return typeof value === 'number' && value > 0 && !Number.isNaN(new Date(value).getTime());
}
