import type { AuditTrail } from '../audit/trail.ts';
import { ConfigError } from '../config/problems/config-error.ts';
import { changes } from '../config/reload/changes.ts';
import { loosenings } from '../config/reload/loosenings.ts';
import { remembering } from '../config/reload/remembering.ts';
import type { Settings } from '../config/schema/settings.ts';
import { isLoopback } from '../config/sections/hosts.ts';

/**
 * Guards only tighten while the proxy runs: a configuration that would take one away is refused, unless the process was
 * started to allow that. What changed is noted by name.
 * @param started the configuration of the start, which alone says whether guards may be taken away
 * @param put puts a configuration that is not refused in its place
 */
export function createReload(
  started: Settings,
  trail: Pick<AuditTrail, 'note'>,
  put: (settings: Settings) => void,
): (next: Settings) => void {
  let inForce = started;
  let guards = started;

  return (next) => {
    assertStillGuarded(started.server, next);
    const loosened = loosenings(guards, next);
    if (loosened.length > 0 && !started.allowLoosening)
      throw new ConfigError(loosened.map((message) => ({ message })));
    put(next);
    const detail = { ...changes(inForce, next), ...(loosened.length > 0 && { loosened: loosened.length }) };
    trail.note({
      event: 'config.loaded',
      level: loosened.length > 0 ? 'warn' : 'info',
      msg: loosened.length > 0 ? loosened.join('\n') : undefined,
      detail: Object.keys(detail).length > 0 ? detail : undefined,
    });
    if (inForce.clientsByKeyDigest.size > 0) noteUnguarded(next, trail);
    guards = remembering(guards, next);
    inForce = next;
  };
}

export const UNGUARDED =
  'No client key is configured: every program of this machine is trusted as the client default.';

/** Says that nobody has to prove anything, where no client has a key. */
export function noteUnguarded({ clientsByKeyDigest }: Settings, trail: Pick<AuditTrail, 'note'>): void {
  if (clientsByKeyDigest.size > 0) return;
  trail.note({ event: 'clients.unguarded', msg: UNGUARDED });
}

/**
 * The listener stays where it was opened, whatever a new configuration says: it must not lose the keys without which it
 * would not have been opened.
 * @throws ConfigError when callers from elsewhere would be trusted without a key
 */
export function assertStillGuarded(listening: Settings['server'], next: Settings): void {
  const isOnSocketOnly = listening.socket !== undefined && listening.byName === undefined;
  const isLocal = isOnSocketOnly || isLoopback(listening.host);
  if (isLocal || next.clientsByKeyDigest.size > 0) return;
  const message =
    'BINANCE_PROXY_CLIENT_KEY is not set any more, but the running listener is open to other machines: set it, or start anew.';
  throw new ConfigError([{ message, source: 'BINANCE_PROXY_CLIENT_KEY' }]);
}
