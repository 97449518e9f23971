import { writeFileSync } from 'node:fs';
import { loadCatalogue } from '../src/config/load-catalogue.ts';
import type { Catalogue } from '../src/core/catalogue/catalogue.ts';
import { createDenylist } from '../src/core/catalogue/denylist.ts';
import type { Endpoint, Weight, WeightStep } from '../src/core/catalogue/endpoint.ts';

const HEAD = `# Every endpoint that may leave

Generated from config/catalogue by \`node scripts/write-endpoint-table.ts\`; a test keeps it fresh. What is not in this table is
answered 404 \`PROXY_UNKNOWN_ENDPOINT\`; what is marked denylisted is in it for the record and is always refused.

A weight counts per egress IP or per Binance account (UID). Where it depends on parameters the first condition that holds decides, and
what cannot be read costs the largest. \`permission + other\` means that the named parameter asks for the other permission too.
The column touches says what a changing call touches; \`symbols\` of a client goes by it ([permissions.md](permissions.md)).
The column WebSocket names the method of the WebSocket API that follows the same rules, with its weight where that is another.
The column retired says since when Binance no longer serves it and what does the same; the call passes, because libraries still
make it, and its record says so.

| upstream | method | path | WebSocket | security | permission | touches | weight | orders | denylisted | retired |
|---|---|---|---|---|---|---|---|---|---|---|
`;

/** The table of all endpoints as Markdown, one row each. */
export function endpointTable(catalogue: Catalogue): string {
  const denylist = createDenylist([]);
  const rows = catalogue.endpoints.map((endpoint) =>
    [
      endpoint.upstream,
      endpoint.method,
      `\`${endpoint.path}\``,
      webSocketOf(endpoint),
      securityOf(endpoint),
      permissionOf(endpoint),
      endpoint.touches ?? '',
      endpoint.weights.map(weightText).join(' + ') || '-',
      ordersOf(endpoint),
      denylist.match(endpoint.path)?.reason ?? '',
      endpoint.retired === undefined ? '' : `${endpoint.retired.date}: ${endpoint.retired.instead}`,
    ].join(' | '),
  );
  return `${HEAD}${rows.map((row) => `| ${row} |\n`).join('')}`;
}

function webSocketOf({ webSocket, webSocketWeights }: Endpoint): string {
  if (webSocket === undefined) return '';
  return webSocketWeights === undefined
    ? `\`${webSocket}\``
    : `\`${webSocket}\` (${webSocketWeights.map(weightText).join(' + ')})`;
}

function securityOf({ security, securityType }: Endpoint): string {
  return security === securityType ? security : `${security} (${securityType})`;
}

function permissionOf({ permission, raised }: Endpoint): string {
  if (raised === undefined) return permission;
  return `${permission} + ${raised.permission} (${raised.parameter} other than ${raised.harmless.join(', ')})`;
}

function ordersOf({ orders }: Endpoint): string {
  return Object.entries(orders)
    .map(([interval, count]) => `${count}/${interval}`)
    .join(', ');
}

function weightText({ scope, max, steps }: Weight): string {
  if (steps === undefined) return `${scope} ${max}`;
  return `${scope} ${steps.map(stepText).join('; ')}`;
}

function stepText(step: WeightStep): string {
  if ('has' in step) return `${step.has}: ${step.w}`;
  if ('eq' in step) return `${step.eq[0]}=${step.eq.slice(1).join(' or ')}: ${step.w}`;
  if ('limit' in step) {
    return `limit ${step.limit.map(([upTo, w]) => `<=${upTo}: ${w}`).join(', ')} (default ${step.default})`;
  }
  if ('count' in step) return `${step.each} for each of ${step.count}, at most ${step.cap}`;
  if ('countSteps' in step) {
    return `${step.countSteps} ${step.steps.map(([upTo, w]) => `<=${upTo}: ${w}`).join(', ')}, more: ${step.over}`;
  }
  return `else ${step.w}`;
}

if (import.meta.main) {
  const target = new URL('../docs/endpoints.md', import.meta.url);
  const catalogue = loadCatalogue();
  writeFileSync(target, endpointTable(catalogue));
  console.log(`docs/endpoints.md: ${catalogue.endpoints.length} endpoints`);
}
