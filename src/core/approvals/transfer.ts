import { type Call, findPair } from '../call/call.ts';
import { decodedValue } from '../call/form.ts';
import type { Endpoint } from '../catalogue/endpoint.ts';
import type { Permission } from '../catalogue/permission.ts';
import { readDecimal } from '../decimal.ts';
import type { Notional } from '../orders/notional.ts';

/** Permissions whose calls move what an account owns. */
const TRANSFERS: ReadonlySet<Permission> = new Set(['internal-transfer', 'universal-transfer']);
/** What Binance calls the asset of a transfer. */
const ASSET_NAMES = ['asset', 'coin', 'currency'];

export function isTransfer({ permission }: Pick<Endpoint, 'permission'>): boolean {
  return TRANSFERS.has(permission);
}

/** What a transfer moves; undefined where it does not say it in one asset and one amount. */
export function transferredAmount(endpoint: Pick<Endpoint, 'path'>, call: Call): Notional | undefined {
  const amount = readDecimal(textOf(call, 'amount') ?? '');
  const named = ASSET_NAMES.flatMap((name) => textOf(call, name) ?? []);
  const assets = endpoint.path.endsWith('/bnb-transfer') ? ['BNB'] : named;
  const [asset] = assets;
  if (amount === undefined || asset === undefined || asset === '' || assets.length > 1) return undefined;
  return { asset, amount };
}

function textOf(call: Call, name: string): string | undefined {
  const pair = findPair(call, name);
  return pair === undefined ? undefined : decodedValue(pair);
}
