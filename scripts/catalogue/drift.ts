import type { Catalogue } from '../../src/core/catalogue/catalogue.ts';
import type { Endpoint, Security, Weight } from '../../src/core/catalogue/endpoint.ts';
import type { WsMethods } from '../../src/core/frames/frame-methods.ts';
import { FAMILY_OF_NAME } from '../../src/core/upstream.ts';
import { type Connector, upstreamOf } from './connectors.ts';
import type { Described } from './read-connector.ts';

/** One difference between a source and the catalogue. */
export interface Finding {
  readonly source: string;
  /** `GET /api/v3/time`, or `ws order.place`. */
  readonly name: string;
  readonly kind: 'missing' | 'weight' | 'orders' | 'security' | 'extra';
  /** What the source says and what the catalogue says. */
  readonly told: string;
}

/** What each security type asks for. */
const SECURITIES: Readonly<Record<string, Security>> = {
  NONE: 'NONE',
  MARKET_DATA: 'APIKEY',
  USER_STREAM: 'APIKEY',
  TRADE: 'SIGNED',
  USER_DATA: 'SIGNED',
};

/** How a connector's description differs from the catalogue: endpoints, security, fixed weights, order counts. */
export function driftOf(
  connector: Connector,
  described: readonly Described[],
  catalogue: Catalogue,
  methods: WsMethods,
): Finding[] {
  const findings: Finding[] = [];
  const names = new Set(described.map(({ name }) => name));
  for (const each of described) {
    const endpoint = find(connector, each, catalogue, methods);
    const report = (kind: Finding['kind'], told: string): void =>
      void findings.push({ source: connector.name, name: each.name, kind, told });
    if (endpoint === undefined) report('missing', 'not in the catalogue');
    else compare(connector, each, endpoint, report);
  }
  for (const endpoint of catalogue.endpoints) {
    const name = `${endpoint.method} ${endpoint.path}`;
    if (connector.covers(endpoint) && !names.has(name))
      findings.push({ source: connector.name, name, kind: 'extra', told: 'not in the connector' });
  }
  return findings;
}

function find(
  { upstream }: Connector,
  { method, path }: Described,
  catalogue: Catalogue,
  methods: WsMethods,
): Endpoint | undefined {
  if (path !== undefined) return catalogue.find(upstreamOf(path, upstream), method, path);
  const family = FAMILY_OF_NAME.get(upstream);
  return family && methods.find(family, method)?.endpoint;
}

function compare(
  { hasPresentWeights }: Connector,
  described: Described,
  endpoint: Endpoint,
  report: (kind: Finding['kind'], told: string) => void,
): void {
  const { securityType = '', orders } = described;
  const wanted = SECURITIES[securityType];
  if (wanted !== undefined && wanted !== endpoint.security)
    report('security', `${securityType}, here ${endpoint.security} (${endpoint.securityType})`);
  if (!hasPresentWeights) return;
  for (const { scope, weight } of described.weights) {
    const own = endpoint.weights.filter((each) => scope === undefined || each.scope === scope);
    if (!own.some((each) => each.steps === undefined && each.max === weight))
      report('weight', `${scope ?? 'weight'} ${weight}, here ${endpoint.weights.map(textOf).join(' + ')}`);
  }
  for (const [interval, count] of Object.entries(orders ?? {}))
    if ((endpoint.orders[interval] ?? 0) !== count)
      report('orders', `${count} on ${interval}, here ${endpoint.orders[interval] ?? 0}`);
}

function textOf({ scope, max, steps }: Weight): string {
  return `${scope} ${steps === undefined ? max : JSON.stringify(steps)}`;
}
