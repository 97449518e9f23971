import type { Settings } from '../schema/settings.ts';

/**
 * What the next reload is held against: the configuration in force, and the clients, keys and ways out of earlier ones
 * that are in none any more. Without them two reloads, one that removes a client and one that brings it back, would loosen what
 * one reload may not.
 */
export function remembering(before: Settings, inForce: Settings): Settings {
  return {
    ...inForce,
    clients: new Map([...before.clients, ...inForce.clients]),
    egress: {
      main: inForce.egress.main,
      accounts: new Map([...before.egress.accounts, ...inForce.egress.accounts]),
    },
    clientsByKeyDigest: new Map([...before.clientsByKeyDigest, ...inForce.clientsByKeyDigest]),
  };
}
