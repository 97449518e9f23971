import type { Credential } from '../../core/signing/credential.ts';
import type { LayeredConfig } from '../schema/layered-config.ts';
import type { ConfigSources } from '../sources/read-secret.ts';
import { readCredential } from './credentials.ts';
import type { RepeatedSecrets } from './repeated-secrets.ts';

/** The account and prefix that hold when the file names no accounts. */
export const SINGLE_ACCOUNT = { main: { envPrefix: 'BINANCE' } } as const;

/** The names of all configured accounts, also of those that cannot be used. */
export function accountNames(layered: LayeredConfig): readonly string[] {
  const written = layered.keysWritten(['accounts']);
  return written.length > 0 ? written : Object.keys(SINGLE_ACCOUNT);
}

/** Reads the credential of every account; those with problems are left out. */
export function readAccounts(
  sources: ConfigSources,
  layered: LayeredConfig,
  repeatedSecrets: RepeatedSecrets,
): ReadonlyMap<string, Credential> {
  const accounts = new Map<string, Credential>();
  // Accounts that were written wrongly must not bring up the absence of a BINANCE_API_KEY that nobody asked for.
  const fallback = layered.keysWritten(['accounts']).length > 0 ? {} : SINGLE_ACCOUNT;
  const prefixes = new Map<string, string>();
  for (const [name, { envPrefix }] of Object.entries<{ readonly envPrefix: string }>(
    layered.config.accounts ?? fallback,
  )) {
    const owner = prefixes.get(envPrefix);
    if (owner !== undefined) {
      layered.report(
        ['accounts', name, 'envPrefix'],
        `is also the one of account ${owner}: one key is one account`,
      );
      continue;
    }
    prefixes.set(envPrefix, name);
    const read = readCredential(sources, envPrefix);
    if (read === undefined) continue;
    accounts.set(name, read.credential);
    repeatedSecrets.note(read.apiKey, 'two accounts must not share an API key, so name the account once');
    if (read.secret !== undefined)
      repeatedSecrets.note(read.secret, 'copy the one that belongs to each API key');
    if (read.publicHalf !== undefined) repeatedSecrets.allow(read.publicHalf);
  }
  return accounts;
}
