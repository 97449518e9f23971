import type { Client } from '../core/access/client.ts';
import { encodeComponent } from '../core/call/form.ts';
import type { Depth } from '../core/orders/book.ts';
import type { Market } from '../core/orders/intended-order.ts';
import { Unvaluable } from '../core/orders/notional.ts';
import type { UpstreamName } from '../core/upstream.ts';
import { depthIn } from './exchange-info.ts';
import { createFreshCache, type FreshCache, type FreshCacheOptions } from './fresh-cache.ts';

export type DepthBook = (
  market: Market,
  symbol: string,
  causedBy: Client,
  covers: (depth: Depth) => boolean,
) => Promise<Depth>;

export interface DepthBookOptions
  extends Pick<FreshCacheOptions<Depth>, 'now' | 'freshMs' | 'failureFreshMs' | 'maxEntries'> {
  readonly fetchJson: (upstream: UpstreamName, pathWithQuery: string, causedBy: Client) => Promise<unknown>;
}

interface Source {
  readonly upstream: 'spot' | 'usdm' | 'coinm' | 'options';
  readonly path: string;
  /** How many levels are read, cheapest first. */
  readonly limits: readonly number[];
}

/** The first step costs little (1 to 5 weight) and covers most orders; the last is as deep as 50 weight reach. */
const SOURCES: Readonly<Record<Exclude<Market, 'equity'>, Source>> = {
  spot: { upstream: 'spot', path: '/api/v3/depth', limits: [100, 1_000] },
  usdm: { upstream: 'usdm', path: '/fapi/v1/depth', limits: [50, 1_000] },
  coinm: { upstream: 'coinm', path: '/dapi/v1/depth', limits: [50, 1_000] },
  options: { upstream: 'options', path: '/eapi/v1/depth', limits: [50, 1_000] },
};

/** Cached look-ups of the book behind the best prices. A book with fewer levels than asked for is read whole. */
export function createDepthBook({ fetchJson, ...cache }: DepthBookOptions): DepthBook {
  const depths = new Map<string, FreshCache<Depth>>();

  function cacheOf({ upstream, path }: Source, limit: number): FreshCache<Depth> {
    const name = `${path} ${limit}`;
    const known = depths.get(name);
    if (known !== undefined) return known;
    const load = async (symbol: string, causedBy: Client): Promise<Depth> =>
      depthIn(
        await fetchJson(upstream, `${path}?symbol=${encodeComponent(symbol)}&limit=${limit}`, causedBy),
      );
    const made = createFreshCache<Depth>({ ...cache, load });
    depths.set(name, made);
    return made;
  }

  /** @throws Unvaluable for stocks, of which Binance shows no depth; what fetchJson throws */
  return async (market, symbol, causedBy, covers) => {
    if (market === 'equity') throw new Unvaluable('more is ordered than stands at the best price');
    const source = SOURCES[market];
    let depth: Depth = { bids: [], asks: [] };
    for (const limit of source.limits) {
      depth = await cacheOf(source, limit).get(symbol, causedBy);
      if (covers(depth) || Math.max(depth.bids.length, depth.asks.length) < limit) break;
    }
    return depth;
  };
}
