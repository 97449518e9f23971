import { parseArgs } from 'node:util';
import { loadCatalogue } from '../../src/config/load-catalogue.ts';
import type { Catalogue } from '../../src/core/catalogue/catalogue.ts';
import { createDenylist } from '../../src/core/catalogue/denylist.ts';
import { createWsMethods } from '../../src/core/frames/frame-methods.ts';
import { readChangeLogs, staleChangeLogs } from './change-logs.ts';
import { driftOf, type Finding } from './drift.ts';
import { explanationOf } from './explained.ts';
import { type Called, calledByBoth } from './libraries.ts';
import { readConnector } from './read-connector.ts';
import { installedSources, latestSources, type Sources } from './sources.ts';

/** What both libraries call and the catalogue lacks: nobody calls what is long gone in two places. */
export function missingForLibraries(both: readonly Called[], catalogue: Catalogue): Finding[] {
  const denylist = createDenylist([]);
  return both
    .filter(({ upstream, method, path }) => catalogue.find(upstream, method, path) === undefined)
    .filter(({ path }) => denylist.match(path) === undefined)
    .map(({ upstream, method, path }) => {
      const told = `called on ${upstream} by both`;
      return { source: 'ccxt and binance', name: `${method} ${path}`, kind: 'missing', told };
    });
}

/**
 * Where ccxt reckons with another weight for a read of the futures. On the other hosts it has a scale of its own; what it
 * has always reckoned otherwise is explained.
 */
export function weighedOtherwise(ccxt: readonly Called[], catalogue: Catalogue): Finding[] {
  const findings: Finding[] = [];
  for (const { upstream, method, path, cost } of ccxt) {
    if (cost === undefined || method !== 'GET' || (upstream !== 'usdm' && upstream !== 'coinm')) continue;
    const rule = catalogue.find(upstream, method, path)?.weights[0];
    if (rule === undefined || rule.max === cost || JSON.stringify(rule.steps ?? []).includes(`"w":${cost}}`))
      continue;
    const told = `cost ${cost}, here ${rule.steps === undefined ? rule.max : JSON.stringify(rule.steps)}`;
    findings.push({ source: `ccxt on ${upstream}`, name: `${method} ${path}`, kind: 'weight', told });
  }
  return findings;
}

/** Findings that a user would feel: whatever nobody has explained, but for what only a connector lacks. */
export function alarmsIn(findings: readonly Finding[]): Finding[] {
  return findings.filter(
    ({ kind, name, source }) => kind !== 'extra' && explanationOf(kind, name, source) === undefined,
  );
}

async function findingsOf(sources: Sources, catalogue: Catalogue): Promise<Finding[]> {
  const methods = createWsMethods(catalogue);
  const findings: Finding[] = [];
  for (const connector of sources.connectors) {
    const described = readConnector(sources.sourceOf(connector));
    const weighed = described.filter(({ weights }) => weights.length > 0).length;
    console.log(
      `${connector.name} ${sources.versionOf(connector.name)}: ${described.length} described, ${weighed} with a fixed weight`,
    );
    if (described.length === 0)
      findings.push({ source: connector.name, name: 'all', kind: 'missing', told: 'its form has changed' });
    findings.push(...driftOf(connector, described, catalogue, methods));
  }
  const { ccxt, binance } = await sources.libraries();
  const both = calledByBoth(ccxt, binance);
  console.log(
    `ccxt ${sources.versionOf('ccxt')} and binance ${sources.versionOf('binance')}: ${ccxt.length} and ${binance.length} endpoints, ${both.length} in both`,
  );
  if (both.length === 0)
    findings.push({
      source: 'ccxt and binance',
      name: 'all',
      kind: 'missing',
      told: 'their form has changed',
    });
  return [...findings, ...missingForLibraries(both, catalogue), ...weighedOtherwise(ccxt, catalogue)];
}

/** Prints the findings as a table and tells whether there is nothing that a user would feel. */
async function run(): Promise<boolean> {
  const { values } = parseArgs({
    options: {
      latest: { type: 'boolean', default: false },
      today: { type: 'string', default: new Date().toISOString().slice(0, 10) },
      verbose: { type: 'boolean', default: false },
    },
  });
  const catalogue = loadCatalogue();
  console.log(`The catalogue has ${catalogue.endpoints.length} endpoints.`);
  const findings = await findingsOf(values.latest ? latestSources() : installedSources(), catalogue);
  const alarms = alarmsIn(findings);
  const shown = values.verbose ? findings : findings.filter((each) => alarms.includes(each) || isQuiet(each));
  console.log('\n| | what | where | said | source |\n|---|---|---|---|---|');
  for (const each of shown) console.log(rowOf(each, alarms.includes(each)));
  console.log(
    `\n${findings.length - alarms.length} of ${findings.length} findings are explained or only told.`,
  );
  const stale = staleChangeLogs(readChangeLogs(), values.today);
  if (stale !== undefined) console.log(`\nALARM: ${stale}`);
  if (alarms.length > 0) console.log(`\nALARM: ${alarms.length} findings that a user would feel.`);
  const isSound = alarms.length === 0 && stale === undefined;
  if (isSound) console.log('\nNothing unexplained is missing or different.');
  return isSound;
}

/** What is shown without being an alarm: what a connector no longer names. */
function isQuiet({ kind }: Finding): boolean {
  return kind === 'extra';
}

function rowOf({ kind, name, told, source }: Finding, isAlarm: boolean): string {
  const why = explanationOf(kind, name, source);
  return `| ${isAlarm ? 'ALARM' : ''} | ${kind} | ${name} | ${told}${why === undefined ? '' : ` (${why})`} | ${source} |`;
}

if (import.meta.main) process.exitCode = (await run()) ? 0 : 1;
