import { randomBytes } from 'node:crypto';
import { ExchangeError } from '../../base/exchange-error.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { keyRoute, type Route } from '../../http/route.ts';

/** The products whose user data still has listen keys. */
const PRODUCTS = ['/fapi/v1', '/dapi/v1', '/eapi/v1', '/papi/v1'];
const LISTEN_KEY = /^[A-Za-z0-9]{40,}$/;

export function looksLikeListenKey(streamName: string): boolean {
  return LISTEN_KEY.test(streamName);
}

/** The owner and product of a listen key; undefined when the key is unknown or closed. */
export function ownerOfListenKey(
  exchange: Exchange,
  listenKey: string,
): { readonly owner: string; readonly product: string } | undefined {
  for (const product of PRODUCTS) {
    for (const { owner } of exchange.accounts.all()) {
      if (exchange.listenKeys.get(`${product}/listenKey ${owner}`) === listenKey) return { owner, product };
    }
  }
  return undefined;
}

/** `userDataStream.start`, `.ping` and `.stop` of a derivatives API: key alone, no signature. */
export function listenKeyRoutes(prefix: string): Route[] {
  const options = { weight: 5, rules: {} };
  const nameOf = (owner: string) => `${prefix}/listenKey ${owner}`;
  return [
    keyRoute(`POST ${prefix}/userDataStream.start`, options, ({ exchange }, { owner }) => {
      const listenKey = exchange.listenKeys.get(nameOf(owner)) ?? randomBytes(32).toString('hex');
      exchange.listenKeys.set(nameOf(owner), listenKey);
      return { listenKey };
    }),
    keyRoute(`PUT ${prefix}/userDataStream.ping`, options, ({ exchange }, { owner }) => {
      const listenKey = exchange.listenKeys.get(nameOf(owner));
      if (listenKey === undefined) throw new ExchangeError(-1125, 'This listenKey does not exist.');
      return { listenKey };
    }),
    keyRoute(`DELETE ${prefix}/userDataStream.stop`, options, ({ exchange }, { owner }) => {
      exchange.listenKeys.delete(nameOf(owner));
      return {};
    }),
  ];
}
