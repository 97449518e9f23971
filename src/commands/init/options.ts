import type { EnvironmentName } from '../../config/schema/settings.ts';

/** The kinds of keys that Binance issues. */
export const KEY_TYPES = ['hmac', 'ed25519', 'rsa'] as const;
export type KeyType = (typeof KEY_TYPES)[number];

/** Where secrets are put: into `.env`, or each into a file of its own that `.env` names. */
export const STORES = ['env', 'files'] as const;
export type Store = (typeof STORES)[number];

/** What `init` takes on the command line in the place of an answer. */
export const INIT_OPTIONS = {
  environment: { type: 'string' },
  'key-type': { type: 'string' },
  'api-key-file': { type: 'string' },
  'secret-file': { type: 'string' },
  'passphrase-file': { type: 'string' },
  client: { type: 'string', multiple: true },
  for: { type: 'string', multiple: true },
  symbols: { type: 'string' },
  store: { type: 'string' },
  library: { type: 'string' },
  offline: { type: 'boolean' },
  yes: { type: 'boolean' },
  force: { type: 'boolean' },
} as const;

/** A secret of Binance's key: typed, in a file that is there already, or in the environment, where it stays. */
export type GivenSecret =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'environment' };

/** An app that will call. */
export interface NewClient {
  readonly name: string;
  readonly kind: string;
  readonly symbols: readonly string[] | undefined;
}

/** Everything that has to be known before anything is written. */
export interface Answers {
  readonly environment: EnvironmentName;
  readonly keyType: KeyType;
  readonly apiKey: GivenSecret;
  /** The HMAC secret, or the private key. */
  readonly secret: GivenSecret;
  readonly passphrase: GivenSecret | undefined;
  readonly clients: readonly NewClient[];
  readonly store: Store;
  readonly library: string | undefined;
}

/** What was answered so far. */
export type PartialAnswers = { readonly [K in keyof Answers]: Answers[K] | undefined };
