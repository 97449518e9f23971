/** The client that is there when config/proxy.yaml names none, and the prefix of its variables. */
export const SINGLE_CLIENT = 'default';
export const SINGLE_PREFIX = 'BINANCE_PROXY';

/** The prefix that the variables of a new client get. */
export function prefixFor(name: string): string {
  if (name === SINGLE_CLIENT) return SINGLE_PREFIX;
  const upper = name
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]+/g, '_')
    .replaceAll(/^_|_$/g, '');
  return /^[A-Z]/.test(upper) ? upper : `CLIENT_${upper}`;
}

/** What an app may prove itself with: the issued key and secret, and the public half of its own key pair. */
export interface PairVariables {
  readonly key: string;
  readonly secret: string;
  readonly publicKey: string;
}

/** The variables of a client. */
export function pairVariables(prefix: string): PairVariables {
  const part = `${prefix}_CLIENT`;
  return { key: `${part}_KEY`, secret: `${part}_SECRET`, publicKey: `${part}_PUBLIC_KEY` };
}
