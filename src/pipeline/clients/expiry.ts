import type { Settings } from '../../config/schema/settings.ts';
import type { Client } from '../../core/access/client.ts';
import type { Permission } from '../../core/catalogue/permission.ts';

/** A configuration as it holds for a span of server time, in which no key ends. */
export interface Expiry {
  readonly settings: Settings;
  /** The names of the clients whose key has ended. */
  readonly expired: ReadonlySet<string>;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** What an account shows of itself: whoever may read none of it hears none of it either. */
const READS: ReadonlySet<Permission> = new Set(['read', 'read-personal']);

/**
 * What holds at a moment of server time. A client whose key has ended keeps what it needs to cancel; it loses what it
 * could read, and with that everything that stands open for it: its private streams and its listen keys.
 */
export function expiryAt(settings: Settings, serverNowMs: number): Expiry {
  let fromMs = Number.NEGATIVE_INFINITY;
  let untilMs = Number.POSITIVE_INFINITY;
  for (const { expiresMs } of settings.clients.values()) {
    if (expiresMs === undefined) continue;
    if (expiresMs <= serverNowMs) fromMs = Math.max(fromMs, expiresMs);
    else untilMs = Math.min(untilMs, expiresMs);
  }
  if (fromMs === Number.NEGATIVE_INFINITY) return { settings, expired: new Set(), fromMs, untilMs };
  const expired = new Set<string>();
  const atItsEnd = (client: Client): Client => {
    if (client.expiresMs === undefined || client.expiresMs > serverNowMs) return client;
    expired.add(client.name);
    const permissions = new Set([...client.permissions].filter((permission) => !READS.has(permission)));
    return { ...client, permissions, policyMode: 'enforce' };
  };
  const clients = new Map(Array.from(settings.clients, ([name, client]) => [name, atItsEnd(client)]));
  const clientsByKeyDigest = new Map(
    Array.from(settings.clientsByKeyDigest, ([digest, client]) => [
      digest,
      clients.get(client.name) ?? client,
    ]),
  );
  return { settings: { ...settings, clients, clientsByKeyDigest }, expired, fromMs, untilMs };
}
