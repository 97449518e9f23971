/** The REST upstreams. `web` is www.binance.com's public Alpha data; it has no address unless one is configured. */
export const UPSTREAM_NAMES = ['spot', 'usdm', 'coinm', 'options', 'portfolio', 'web'] as const;
export type UpstreamName = (typeof UPSTREAM_NAMES)[number];

/** The hosts of WebSockets: the signed API and the streams of each family that has them. */
export const SOCKET_UPSTREAM_NAMES = [
  'spotWsApi',
  'spotStream',
  'usdmWsApi',
  'usdmStream',
  'coinmWsApi',
  'coinmStream',
] as const;
export type SocketUpstreamName = (typeof SOCKET_UPSTREAM_NAMES)[number];

/** The upstreams that have a WebSocket API and streams. */
export const SOCKET_FAMILIES = ['spot', 'usdm', 'coinm'] as const;
export type SocketFamily = (typeof SOCKET_FAMILIES)[number];

/** Prefixes of the paths of each upstream. Two hosts serve `/futures/data/`. */
export const PATH_PREFIXES: Readonly<Record<UpstreamName, readonly string[]>> = {
  spot: ['/api/', '/sapi/'],
  usdm: ['/fapi/', '/futures/data/'],
  coinm: ['/dapi/', '/futures/data/'],
  options: ['/eapi/'],
  portfolio: ['/papi/'],
  web: ['/bapi/'],
};

/** The path of each WebSocket API. */
export const WS_API_PATHS: Readonly<Record<SocketFamily, string>> = {
  spot: '/ws-api/v3',
  usdm: '/ws-fapi/v1',
  coinm: '/ws-dapi/v1',
};

/** Looks up a text that may be the name of an upstream. */
export const UPSTREAM_OF_NAME: ReadonlyMap<string, UpstreamName> = new Map(
  UPSTREAM_NAMES.map((name) => [name, name]),
);

/** The upstream of a path that names none, by its first segment. When two serve it, the first one. */
export const UPSTREAM_OF_SEGMENT: ReadonlyMap<string, UpstreamName> = bySegment();

/** Looks up a text that may be the name of a family. */
export const FAMILY_OF_NAME: ReadonlyMap<string, SocketFamily> = new Map(
  SOCKET_FAMILIES.map((family) => [family, family]),
);

/** The family of a WebSocket API, by its path. */
export const FAMILY_OF_WS_API_PATH: ReadonlyMap<string, SocketFamily> = new Map(
  SOCKET_FAMILIES.map((family) => [WS_API_PATHS[family], family]),
);

function bySegment(): Map<string, UpstreamName> {
  const upstreams = new Map<string, UpstreamName>();
  for (const name of UPSTREAM_NAMES) {
    for (const prefix of PATH_PREFIXES[name]) {
      const segment = prefix.split('/')[1] ?? '';
      if (!upstreams.has(segment)) upstreams.set(segment, name);
    }
  }
  return upstreams;
}
