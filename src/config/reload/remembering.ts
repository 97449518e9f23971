import type { Settings } from '../schema/settings.ts';

/**
 * What the next reload is held against: the configuration in force, and the clients and keys of earlier ones that are
 * in none any more. Without them two reloads, one that removes a client and one that brings it back, would loosen what
 * one reload may not.
 */
export function remembering(before: Settings, inForce: Settings): Settings {
  return {
    ...inForce,
    clients: new Map([...before.clients, ...inForce.clients]),
    clientsByKeyDigest: new Map([...before.clientsByKeyDigest, ...inForce.clientsByKeyDigest]),
  };
}
