import { UPSTREAM_NAMES, type UpstreamName } from '../../src/core/upstream.ts';

/** An endpoint as two libraries of other hands call it. */
export interface Called {
  readonly upstream: UpstreamName;
  readonly method: string;
  readonly path: string;
  /** What ccxt reckons with, where that is one number. */
  readonly cost?: number;
}

/** Which host each client of the package `binance` speaks to, for the paths that two hosts serve. */
export const CLIENT_FILES: Readonly<Record<string, UpstreamName>> = {
  'main-client.js': 'spot',
  'usdm-client.js': 'usdm',
  'coinm-client.js': 'coinm',
  'portfolio-client.js': 'portfolio',
};

const HOSTS: Readonly<Record<string, UpstreamName>> = {
  'api.binance.com': 'spot',
  'fapi.binance.com': 'usdm',
  'dapi.binance.com': 'coinm',
  'eapi.binance.com': 'options',
  'papi.binance.com': 'portfolio',
};
const VERBS: ReadonlySet<string> = new Set(['get', 'post', 'put', 'delete']);
const CLIENT_CALL = /\b(get|post|put|delete)(?:Private|Public)?\(\s*['"`]\/?([a-z]+\/[A-Za-z0-9_\-/]+)['"`]/g;

/** The endpoints that the source of a client names. */
export function calledByClient(source: string, upstream: UpstreamName): Called[] {
  const called = new Map<string, Called>();
  for (const [, method = '', path = ''] of source.matchAll(CLIENT_CALL)) {
    const one = { upstream, method: method.toUpperCase(), path: `/${path}` };
    called.set(nameOfCall(one), one);
  }
  return [...called.values()];
}

/**
 * The endpoints of ccxt's own table: groups of methods with the base URL of each group.
 * @param api what an instance has as `api`
 * @param urls what it has as `urls.api`
 */
export function calledByCcxt(api: unknown, urls: Readonly<Record<string, unknown>>): Called[] {
  const called: Called[] = [];
  for (const [group, methods] of entriesOf(api)) {
    const base = urls[group];
    if (typeof base !== 'string' || !URL.canParse(base)) continue;
    const { hostname, pathname } = new URL(base);
    const upstream = HOSTS[hostname];
    if (upstream === undefined) continue;
    for (const [verb, paths] of entriesOf(methods)) {
      if (!VERBS.has(verb)) continue;
      for (const [name, terms] of entriesOf(paths)) {
        const path = `${pathname.replace(/\/$/, '')}/${name}`;
        const cost = costIn(terms);
        called.push({ upstream, method: verb.toUpperCase(), path, ...(cost === undefined ? {} : { cost }) });
      }
    }
  }
  return called;
}

/** What both call: one library alone keeps endpoints that are long gone. */
export function calledByBoth(one: readonly Called[], other: readonly Called[]): Called[] {
  const names = new Set(other.map(nameOfCall));
  return one
    .filter((each) => names.has(nameOfCall(each)))
    .toSorted((a, b) => UPSTREAM_NAMES.indexOf(a.upstream) - UPSTREAM_NAMES.indexOf(b.upstream));
}

/** A number, or an object with nothing but one. */
function costIn(terms: unknown): number | undefined {
  const [[name, cost] = [undefined, terms], ...more] = entriesOf(terms);
  return typeof cost === 'number' && more.length === 0 && (name ?? 'cost') === 'cost' ? cost : undefined;
}

function nameOfCall({ upstream, method, path }: Called): string {
  return `${upstream} ${method} ${path}`;
}

function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}
