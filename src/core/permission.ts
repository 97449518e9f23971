import { allPairs, type Call, decodedValue, findPair, type Pair } from './call.ts';
import type { Endpoint, RaisedPermission } from './endpoint.ts';

/** Every permission a catalogue entry can need. Names follow Binance's own switches where it has one. */
export const PERMISSIONS = [
  'market-data',
  'read',
  'spot-margin-trade',
  'futures-trade',
  'options-trade',
  'portfolio-margin-trade',
  'convert',
  'earn',
  'loan',
  'internal-transfer',
  'universal-transfer',
  'withdraw',
  'account-admin',
] as const;

export type Permission = (typeof PERMISSIONS)[number];

/** What the single client `default` may do when the configuration names no clients. */
export const DEFAULT_PERMISSIONS: readonly Permission[] = [
  'market-data',
  'read',
  'spot-margin-trade',
  'futures-trade',
  'options-trade',
  'portfolio-margin-trade',
];

/** No configuration grants these: their endpoints stand on the built-in denylist. */
export const NEVER_GRANTED: readonly Permission[] = ['withdraw', 'account-admin'];

const BASE_ONLY = Object.freeze(
  Object.fromEntries(PERMISSIONS.map((permission) => [permission, Object.freeze([permission])])),
) as Readonly<Record<Permission, readonly Permission[]>>;

/**
 * The permissions that a call needs, all of them: its endpoint's own, and the one that a parameter raises it to.
 * A value that is unknown, unreadable or repeated raises.
 */
export function neededPermissions(endpoint: Endpoint, call: Call): readonly Permission[] {
  const { permission, raised } = endpoint;
  if (raised === undefined || isHarmless(raised, call)) return BASE_ONLY[permission];
  return [permission, raised.permission];
}

/** Another letter case of the name, or the name inside a value: nobody here could say how Binance would read that. */
function speaksOf(name: string, pair: Pair): boolean {
  return `${pair.name}=${decodedValue(pair) ?? ''}`.toLowerCase().includes(name.toLowerCase());
}

function isHarmless(raised: RaisedPermission, call: Call): boolean {
  const pair = findPair(call, raised.parameter);
  if (allPairs(call).some((other) => other !== pair && speaksOf(raised.parameter, other))) return false;
  if (pair === undefined) return true;
  if (call.repeated.includes(raised.parameter)) return false;
  const value = decodedValue(pair);
  return value !== undefined && raised.harmless.includes(value);
}
