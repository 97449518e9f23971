import type { Client } from '../../../core/access/client.ts';
import type { Permission } from '../../../core/catalogue/permission.ts';
import type { SocketFamily } from '../../../core/upstream.ts';
import type { LayeredConfig } from '../../schema/layered-config.ts';

/** By permission: the products on which its orders rest. Orders of others are refused where they are to be counted. */
const PRODUCTS: ReadonlyMap<Permission, readonly SocketFamily[]> = new Map([
  ['spot-margin-trade', ['spot']],
  ['futures-trade', ['usdm', 'coinm']],
]);
/** As contracts of COIN-M are called. */
const COIN_MARGINED = /USD_(?:PERP|\d{6})$/;

/** Resting orders are counted from the streams of the account: whoever is held to a number of them needs those. */
export function checkOpenLimits(layered: LayeredConfig, clients: ReadonlyMap<string, Client>): void {
  const { accounts = {} } = layered.config;
  for (const client of clients.values()) {
    if (client.order?.maxOpen === undefined) continue;
    const watched = accounts[client.account]?.watch ?? [];
    const missing = productsOf(client).filter((product) => !watched.includes(product));
    if (missing.length === 0) continue;
    const why = `needs the watch over what rests: add ${missing.join(' and ')} to accounts.${client.account}.watch`;
    layered.report(['clients', client.name, 'order', 'maxOpen'], why);
  }
}

/** The products that a client may trade; symbols tell USD-M from COIN-M. */
function productsOf({ permissions, symbols }: Client): readonly SocketFamily[] {
  const products = [...permissions].flatMap((permission) => PRODUCTS.get(permission) ?? []);
  if (symbols === undefined) return products;
  const isCoin = (symbol: string) => COIN_MARGINED.test(symbol);
  const unused = [...symbols].every(isCoin) ? 'usdm' : [...symbols].some(isCoin) ? undefined : 'coinm';
  return products.filter((product) => product !== unused);
}
