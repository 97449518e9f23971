import type { Settings } from '../../config/schema/settings.ts';
import type { Client } from '../../core/access/client.ts';

type Directory = Pick<Settings, 'clients' | 'clientsByKeyDigest'>;

/** A client as it showed itself, so that it is known again under later configurations. */
export interface ShownClient {
  readonly name: string;
  readonly account: string;
  /** Of the key that it had then. Undefined where no client has a key: then every caller is the client `default`. */
  readonly keyDigest: string | undefined;
}

export function shownClient(directory: Directory, { name, account }: Client): ShownClient {
  return { name, account, keyDigest: keyDigestOf(directory, name) };
}

/** The client as it is configured now; undefined once it, its account or its key is another. */
export function stillThere(directory: Directory, shown: ShownClient): Client | undefined {
  const client = directory.clients.get(shown.name);
  if (client?.account !== shown.account) return undefined;
  return keyDigestOf(directory, shown.name) === shown.keyDigest ? client : undefined;
}

/** Whether it may read what is an account's own. */
export function mayRead({ permissions, policyMode }: Client): boolean {
  return permissions.has('read') || policyMode === 'report';
}

function keyDigestOf({ clientsByKeyDigest }: Directory, name: string): string | undefined {
  return clientsByKeyDigest.entries().find(([, client]) => client.name === name)?.[0];
}
