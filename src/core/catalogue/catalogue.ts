import { deepFreeze } from '../freeze.ts';
import { UPSTREAM_NAMES, type UpstreamName } from '../upstream.ts';
import { catalogueProblems } from './catalogue-problems.ts';
import type {
  Endpoint,
  Method,
  OrderEffect,
  OrderShape,
  RaisedPermission,
  Security,
  Touches,
  Weight,
  WeightScope,
  WeightStep,
} from './endpoint.ts';
import type { Permission } from './permission.ts';
import type { Retired } from './retired.ts';

/** One endpoint as it is written down; what is absent has its commonest value. */
export interface CatalogueEntry {
  readonly method: Method;
  readonly path: string;
  readonly webSocket?: string;
  /** Weight per egress IP of the WebSocket method, where it differs from `ip`. */
  readonly webSocketIp?: number | readonly WeightStep[];
  readonly security: Security;
  readonly securityType: string;
  readonly permission: Permission;
  /** Stands with every call that is no GET, and with a GET that changes something. */
  readonly touches?: Touches;
  /** Weight per egress IP: fixed, or the steps of its rule. */
  readonly ip?: number | readonly WeightStep[];
  /** Weight per Binance account: fixed, or the steps of its rule. */
  readonly uid?: number | readonly WeightStep[];
  readonly orders?: Readonly<Record<string, number>>;
  readonly effect?: OrderEffect;
  readonly orderShape?: OrderShape;
  readonly clientOrderIds?: readonly string[];
  readonly repeatable?: readonly string[];
  readonly raised?: RaisedPermission;
  readonly extraLimit?: string;
  readonly retired?: Retired;
}

/** One file of the catalogue: the endpoints of one product, all on one upstream. */
export interface CatalogueFile {
  readonly product: string;
  readonly upstream: UpstreamName;
  readonly endpoints: readonly CatalogueEntry[];
}

export interface Catalogue {
  /** The endpoint with exactly this upstream, method and path; undefined when nothing may leave. */
  find(upstream: UpstreamName, method: string, path: string): Endpoint | undefined;
  /** All endpoints by upstream, path and method. */
  readonly endpoints: readonly Endpoint[];
}

const NO_ORDERS: Readonly<Record<string, number>> = Object.freeze({});
const NO_NAMES: readonly string[] = Object.freeze([]);

/**
 * Builds the catalogue out of its files. Endpoints are frozen, a look-up is three map reads.
 * @throws Error that lists every problem of the whole set
 */
export function buildCatalogue(files: readonly CatalogueFile[]): Catalogue {
  const endpoints = files.flatMap((file) => file.endpoints.map((entry) => toEndpoint(file, entry)));
  const problems = catalogueProblems(endpoints);
  if (problems.length > 0) throw new Error(`The catalogue has problems:\n- ${problems.join('\n- ')}`);
  endpoints.sort(inOrder);
  const index = new Map<string, Map<string, Map<string, Endpoint>>>();
  for (const name of UPSTREAM_NAMES) index.set(name, new Map());
  for (const endpoint of endpoints) {
    const paths = index.get(endpoint.upstream);
    const methods = paths?.get(endpoint.path) ?? new Map<string, Endpoint>();
    methods.set(endpoint.method, endpoint);
    paths?.set(endpoint.path, methods);
  }
  return Object.freeze({
    endpoints: Object.freeze(endpoints),
    find: (upstream: UpstreamName, method: string, path: string) =>
      index.get(upstream)?.get(path)?.get(method),
  });
}

function toEndpoint({ product, upstream }: CatalogueFile, entry: CatalogueEntry): Endpoint {
  const { ip, uid, webSocketIp, orders, effect, clientOrderIds, repeatable, ...same } = entry;
  return deepFreeze({
    upstream,
    product,
    ...same,
    ...(webSocketIp === undefined ? {} : { webSocketWeights: toWeights('IP', webSocketIp) }),
    weights: [...toWeights('IP', ip), ...toWeights('UID', uid)],
    orders: orders === undefined ? NO_ORDERS : { ...orders },
    effect: effect ?? 'none',
    clientOrderIds: clientOrderIds === undefined ? NO_NAMES : [...clientOrderIds],
    repeatable: repeatable === undefined ? NO_NAMES : [...repeatable],
  });
}

function toWeights(scope: WeightScope, weight: number | readonly WeightStep[] | undefined): Weight[] {
  if (weight === undefined) return [];
  if (typeof weight === 'number') return [{ scope, max: weight }];
  return [{ scope, max: largestWeight(weight), steps: structuredClone(weight) }];
}

/** The largest weight that the steps can give. */
function largestWeight(steps: readonly WeightStep[]): number {
  let largest = 0;
  for (const step of steps) {
    if ('limit' in step) largest = Math.max(largest, ...step.limit.map(([, w]) => w));
    else if ('count' in step) largest = Math.max(largest, step.cap);
    else if ('countSteps' in step) largest = Math.max(largest, step.over, ...step.steps.map(([, w]) => w));
    else largest = Math.max(largest, step.w);
  }
  return largest;
}

function inOrder(a: Endpoint, b: Endpoint): number {
  return (
    UPSTREAM_NAMES.indexOf(a.upstream) - UPSTREAM_NAMES.indexOf(b.upstream) ||
    compare(a.path, b.path) ||
    compare(a.method, b.method)
  );
}

/** By code unit, so that the order does not depend on the locale. */
function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
