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

/** The variables of a client's issued pair. */
export function pairVariables(prefix: string): { readonly key: string; readonly secret: string } {
  return { key: `${prefix}_CLIENT_KEY`, secret: `${prefix}_CLIENT_SECRET` };
}
