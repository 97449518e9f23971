/** The REST upstreams. `web` is www.binance.com's public Alpha data; it has no address unless one is configured. */
export const UPSTREAM_NAMES = ['spot', 'usdm', 'coinm', 'options', 'portfolio', 'web'] as const;
export type UpstreamName = (typeof UPSTREAM_NAMES)[number];
