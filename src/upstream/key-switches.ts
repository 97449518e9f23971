import type { Permission } from '../core/catalogue/permission.ts';

/** The switches of a key as `GET /sapi/v1/account/apiRestrictions` tells them. */
export type KeySwitches = Readonly<Record<string, boolean>>;

/** What the switches of a key mean, given what clients were granted. */
export type SwitchJudgement =
  | { readonly kind: 'passed'; readonly switches: KeySwitches; readonly warnings: readonly string[] }
  | { readonly kind: 'failed'; readonly switches: KeySwitches; readonly problems: readonly string[] };

/** Switches that let value leave: tolerated only where some client was granted the permission beside them. */
const RISKY: readonly (readonly [name: string, label: string, permission: Permission | undefined])[] = [
  ['enableWithdrawals', 'Enable Withdrawals', undefined],
  ['permitsUniversalTransfer', 'Permits Universal Transfer', 'universal-transfer'],
  ['enableInternalTransfer', 'Enable Internal Transfer', 'internal-transfer'],
];

/** True for a switch that lets value leave. */
export function isRiskySwitch(name: string): boolean {
  return RISKY.some(([risky]) => risky === name);
}

/** @see https://developers.binance.com/docs/wallet/account/api-key-permission */
export function judgeSwitches(switches: KeySwitches, granted: ReadonlySet<Permission>): SwitchJudgement {
  const problems: string[] = [];
  for (const [name, label, permission] of RISKY) {
    if (switches[name] !== true || (permission !== undefined && granted.has(permission))) continue;
    problems.push(
      `The key has "${label}" (${name}) switched on: turn it off at Binance, API Management, Edit restrictions.`,
    );
  }
  if (problems.length > 0) return { kind: 'failed', switches, problems };
  const warnings =
    switches.ipRestrict === true
      ? []
      : ['The key has no IP restriction (ipRestrict): restrict it to this address.'];
  return { kind: 'passed', switches, warnings };
}

/** @throws Error for a text that does not say what a key may do */
export function readSwitches(text: string): KeySwitches {
  const parsed: unknown = JSON.parse(text);
  const switches: Record<string, boolean> = Object.create(null);
  if (typeof parsed !== 'object' || parsed === null) throw new Error('the key permissions are no object');
  for (const [name, value] of Object.entries(parsed)) if (typeof value === 'boolean') switches[name] = value;
  if (switches.enableWithdrawals === undefined) throw new Error('the key permissions lack enableWithdrawals');
  return switches;
}
