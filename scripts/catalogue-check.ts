import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadCatalogue } from '../src/config/load-catalogue.ts';
import type { Catalogue } from '../src/core/catalogue/catalogue.ts';
import type { Endpoint } from '../src/core/catalogue/endpoint.ts';
import type { UpstreamName } from '../src/core/upstream.ts';

/** An official connector and the part of the catalogue that it covers. */
export interface Connector {
  readonly name: string;
  readonly upstream: UpstreamName;
  covers(endpoint: Endpoint): boolean;
}

export interface NamedEndpoint {
  readonly method: string;
  readonly path: string;
}

export interface Drift {
  readonly named: number;
  /** The connector names it, the catalogue does not. */
  readonly missing: readonly NamedEndpoint[];
  /** The catalogue has it in the part that the connector covers, the connector does not name it. */
  readonly extra: readonly NamedEndpoint[];
}

export const CONNECTORS: readonly Connector[] = [
  { name: '@binance/spot', upstream: 'spot', covers: ({ product }) => product === 'spot' },
  { name: '@binance/wallet', upstream: 'spot', covers: ({ product }) => product === 'wallet' },
  {
    name: '@binance/derivatives-trading-usds-futures',
    upstream: 'usdm',
    covers: ({ upstream }) => upstream === 'usdm',
  },
];

/** Drift that has a reason: `METHOD path` to the reason. */
const EXPLAINED: ReadonlyMap<string, string> = new Map([
  ['GET /sapi/v1/localentity/country/list', 'added in @binance/wallet 19.0.0'],
  ['GET /sapi/v1/localentity/region/list', 'added in @binance/wallet 19.0.0'],
  ['GET /sapi/v1/spot/asset/tags', 'added to the official connectors in August 2026'],
]);

const NAMED_ENDPOINT = /\bendpoint: ["']([^"']+)["'],\s*method: ["']([A-Z]+)["']/g;

/** The REST endpoints that the source of an official connector names. */
export function namedEndpoints(source: string): NamedEndpoint[] {
  const named = new Map<string, NamedEndpoint>();
  for (const [, path, method] of source.matchAll(NAMED_ENDPOINT)) {
    if (path !== undefined && method !== undefined) named.set(`${method} ${path}`, { method, path });
  }
  return [...named.values()];
}

/** What a connector names and the catalogue lacks, and the other way round. */
export function driftOf(connector: Connector, source: string, catalogue: Catalogue): Drift {
  const named = namedEndpoints(source);
  const names = new Set(named.map(nameOf));
  return {
    named: named.length,
    missing: named.filter(
      ({ method, path }) => catalogue.find(connector.upstream, method, path) === undefined,
    ),
    extra: catalogue.endpoints.filter(
      (endpoint) => connector.covers(endpoint) && !names.has(nameOf(endpoint)),
    ),
  };
}

function nameOf({ method, path }: NamedEndpoint): string {
  return `${method} ${path}`;
}

function explained(endpoint: NamedEndpoint): string {
  const reason = EXPLAINED.get(nameOf(endpoint));
  return reason === undefined ? 'UNEXPLAINED' : reason;
}

/** Prints the drift of every connector and tells whether one names something unexplained that the catalogue lacks. */
function run(): boolean {
  const catalogue = loadCatalogue();
  console.log(`The catalogue has ${catalogue.endpoints.length} endpoints.`);
  let sound = true;
  for (const connector of CONNECTORS) {
    const source = readFileSync(fileURLToPath(import.meta.resolve(connector.name)), 'utf8');
    const { named, missing, extra } = driftOf(connector, source, catalogue);
    console.log(`\n${connector.name} names ${named} endpoints`);
    for (const endpoint of missing)
      console.log(`  not in the catalogue: ${nameOf(endpoint)} (${explained(endpoint)})`);
    for (const endpoint of extra)
      console.log(`  not in the connector: ${nameOf(endpoint)} (${explained(endpoint)})`);
    if (missing.length + extra.length === 0) console.log('  no drift');
    if (named === 0) console.log('  its source is no longer written in the form that this script reads');
    if (named === 0 || missing.some((endpoint) => !EXPLAINED.has(nameOf(endpoint)))) sound = false;
  }
  console.log(
    sound
      ? '\nNothing unexplained is missing.'
      : '\nThe catalogue lacks endpoints: add them or explain them.',
  );
  return sound;
}

if (import.meta.main) process.exitCode = run() ? 0 : 1;
