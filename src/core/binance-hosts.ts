import { PATH_PREFIXES, type SocketFamily, type UpstreamName } from './upstream.ts';

/** One of Binance's own hosts, with what it serves. */
export interface BinanceHost {
  readonly name: string;
  /** The upstream of its REST paths; undefined where it serves none. */
  readonly rest?: UpstreamName;
  /** The signed WebSocket API that it serves. */
  readonly api?: SocketFamily;
  /** The streams that it serves. */
  readonly stream?: SocketFamily;
  /** True where only public market data of spot is served. */
  readonly isPublicOnly?: true;
  /** Where a host stands for one environment alone: an app that calls it must never reach another. */
  readonly environment?: 'testnet' | 'demo';
}

/**
 * Binance's own names. The futures testnet is missing: its names are under a domain of its own.
 * @see https://developers.binance.com/docs/binance-spot-api-docs/faqs/market_data_only
 */
const HOSTS: readonly BinanceHost[] = [
  { name: 'api.binance.com', rest: 'spot' },
  { name: 'api1.binance.com', rest: 'spot' },
  { name: 'api2.binance.com', rest: 'spot' },
  { name: 'api3.binance.com', rest: 'spot' },
  { name: 'api4.binance.com', rest: 'spot' },
  { name: 'api-gcp.binance.com', rest: 'spot' },
  { name: 'fapi.binance.com', rest: 'usdm' },
  { name: 'dapi.binance.com', rest: 'coinm' },
  { name: 'eapi.binance.com', rest: 'options' },
  { name: 'papi.binance.com', rest: 'portfolio' },
  { name: 'ws-api.binance.com', api: 'spot' },
  { name: 'ws-fapi.binance.com', api: 'usdm' },
  { name: 'ws-dapi.binance.com', api: 'coinm' },
  { name: 'stream.binance.com', stream: 'spot' },
  { name: 'fstream.binance.com', stream: 'usdm' },
  { name: 'dstream.binance.com', stream: 'coinm' },
  { name: 'data-api.binance.vision', rest: 'spot', isPublicOnly: true },
  { name: 'data-stream.binance.vision', stream: 'spot', isPublicOnly: true },
  { name: 'testnet.binance.vision', rest: 'spot', environment: 'testnet' },
  { name: 'ws-api.testnet.binance.vision', api: 'spot', environment: 'testnet' },
  { name: 'stream.testnet.binance.vision', stream: 'spot', environment: 'testnet' },
  { name: 'demo-api.binance.com', rest: 'spot', environment: 'demo' },
  { name: 'demo-fapi.binance.com', rest: 'usdm', environment: 'demo' },
  { name: 'demo-dapi.binance.com', rest: 'coinm', environment: 'demo' },
  { name: 'demo-ws-api.binance.com', api: 'spot', environment: 'demo' },
  { name: 'demo-stream.binance.com', stream: 'spot', environment: 'demo' },
];
const BY_NAME: ReadonlyMap<string, BinanceHost> = new Map(HOSTS.map((host) => [host.name, host]));

/** All names, for a certificate. */
export const BINANCE_HOST_NAMES: readonly string[] = HOSTS.map(({ name }) => name);

/** What a `Host` header may say: a name, perhaps with the dot of the root behind it, perhaps with a port. */
const HOST_HEADER = /^([a-z0-9.-]*[a-z0-9])\.?(?::\d{1,5})?$/;
const PUBLIC_PATH =
  /^\/api\/v3\/(?:aggTrades|avgPrice|depth|exchangeInfo|klines|ping|ticker(?:\/(?:24hr|bookTicker|price|tradingDay))?|time|trades|uiKlines)$/;

/** The host of Binance's that a `Host` header names in this environment. Undefined for any other. */
export function binanceHost(header: string | undefined, environment: string): BinanceHost | undefined {
  const host = BY_NAME.get(HOST_HEADER.exec(header?.toLowerCase() ?? '')?.[1] ?? '');
  return host?.environment === undefined || host.environment === environment ? host : undefined;
}

/** The upstream of a REST path on that host. Undefined where Binance serves no such path there. */
export function upstreamOn({ rest, isPublicOnly }: BinanceHost, path: string): UpstreamName | undefined {
  if (rest === undefined || !PATH_PREFIXES[rest].some((prefix) => path.startsWith(prefix))) return undefined;
  return isPublicOnly === undefined || PUBLIC_PATH.test(path) ? rest : undefined;
}
