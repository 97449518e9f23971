import type { Call } from './call.ts';
import type { Client } from './client.ts';
import type { DenylistHit } from './denylist.ts';
import type { Endpoint } from './endpoint.ts';
import { ProxyError } from './errors.ts';
import { NEVER_GRANTED, neededPermissions, type Permission } from './permission.ts';

/** A call that may pass. */
export interface Passage {
  /** The permissions it needs, raised ones included. */
  readonly permissions: readonly Permission[];
  /** What would have refused it, had the client not been in report mode. */
  readonly reported: string | undefined;
}

/**
 * Whether a client may make a call: nothing on the denylist, and only what it was granted. In report mode a missing
 * permission is reported and passes, unless it is one that no configuration can grant.
 * @throws ProxyError PROXY_DENYLISTED, PROXY_PERMISSION_DENIED
 */
export function decide(client: Client, endpoint: Endpoint, call: Call, denylisted?: DenylistHit): Passage {
  if (denylisted !== undefined) throw denylistRefusal(denylisted, endpoint);
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

/** The refusal of a call on the denylist. Without an endpoint it does not repeat the path, which the client wrote. */
export function denylistRefusal(hit: DenylistHit, endpoint?: Pick<Endpoint, 'method' | 'path'>): ProxyError {
  const what = endpoint === undefined ? 'This call' : `${endpoint.method} ${endpoint.path}`;
  const lasting = hit.grade === 'OPERATOR' ? 'The operator put it there' : 'No configuration takes it off';
  return new ProxyError('PROXY_DENYLISTED', `${what} is on the denylist: ${hit.reason}. ${lasting}.`, {
    rule: `denylist:${hit.grade}`,
  });
}
