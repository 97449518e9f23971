import type { UpstreamName } from '../core/upstream.ts';

/** The cheapest call of each family: weight 1, and nothing that could offend. The web's public data has none. */
export const PINGS: Readonly<Partial<Record<UpstreamName, string>>> = {
  spot: '/api/v3/ping',
  usdm: '/fapi/v1/ping',
  coinm: '/dapi/v1/ping',
  options: '/eapi/v1/ping',
  portfolio: '/papi/v1/ping',
};
