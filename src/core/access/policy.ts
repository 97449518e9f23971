import { allPairs, type Call, findPair } from '../call/call.ts';
import { decodedValue, type Pair } from '../call/form.ts';
import type { DenylistHit } from '../catalogue/denylist.ts';
import type { Endpoint, RaisedPermission } from '../catalogue/endpoint.ts';
import { NEVER_GRANTED, PERMISSIONS, type Permission } from '../catalogue/permission.ts';
import { ProxyError } from '../errors.ts';
import type { Client } from './client.ts';

const BASE_ONLY = Object.freeze(
  Object.fromEntries(PERMISSIONS.map((permission) => [permission, Object.freeze([permission])])),
) as Readonly<Record<Permission, readonly Permission[]>>;

/** A call that may pass. */
export interface Passage {
  /** The permissions it needs, raised ones included. */
  readonly permissions: readonly Permission[];
  /** What would have refused it, had the client not been in report mode. */
  readonly reported: string | undefined;
}

/**
 * Whether a client may make a call: only what it was granted. In report mode a missing permission is reported and
 * passes, unless it is one that no configuration can grant.
 * @throws ProxyError PROXY_PERMISSION_DENIED
 */
export function decide(client: Client, endpoint: Endpoint, call: Call): Passage {
  const permissions = neededPermissions(endpoint, call);
  let reported: string | undefined;
  for (const permission of permissions) {
    if (client.permissions.has(permission)) continue;
    const rule = `permission:${permission}`;
    if (client.policyMode !== 'report' || NEVER_GRANTED.includes(permission)) {
      throw new ProxyError(
        'PROXY_PERMISSION_DENIED',
        `Client ${client.name} may not call ${endpoint.method} ${endpoint.path}: it lacks the permission ${permission}.`,
        { rule },
      );
    }
    reported ??= rule;
  }
  return { permissions, reported };
}

/** The refusal of a call on the denylist, whoever calls. It does not repeat the path, which the client wrote. */
export function denylistRefusal(hit: DenylistHit): ProxyError {
  const lasting = hit.grade === 'OPERATOR' ? 'The operator put it there' : 'No configuration takes it off';
  return new ProxyError('PROXY_DENYLISTED', `This call is on the denylist: ${hit.reason}. ${lasting}.`, {
    rule: `denylist:${hit.grade}`,
  });
}

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
