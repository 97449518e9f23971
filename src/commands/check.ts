import { loadSettings } from '../config/load-settings.ts';
import { ConfigError, formatProblems } from '../config/problems/config-error.ts';
import type { Settings } from '../config/schema/settings.ts';
import { readEnvironment } from '../config/sources/read-environment.ts';
import { CLOCK_UNKNOWN, whyKeyStops } from '../operator/status.ts';
import { type BuiltProxy, buildProxy } from '../proxy/build.ts';
import { readEarlierCalls } from '../proxy/earlier-runs.ts';
import { findLoops } from '../proxy/loops.ts';
import { UNGUARDED } from '../proxy/reload.ts';
import { startWarnings } from '../proxy/start-warnings.ts';
import { isoOf, type KeyFacts } from '../upstream/key-advice.ts';
import type { KeyCareState } from '../upstream/key-care.ts';
import { isRiskySwitch } from '../upstream/key-switches.ts';
import { command, EXIT, UsageError } from './base/cli.ts';
import { table } from './base/cli-table.ts';
import { describeClock, diagnoseClock, diagnoseKey } from './check/diagnosis.ts';
import type { Finding } from './check/finding.ts';
import { examineFolders } from './check/folders.ts';
import { examineNewKey, type NewKey, readNewKey, toldProblems } from './check/new-key.ts';
import { examinePorts, isProxyRunning } from './check/ports.ts';
import { examineRedis } from './check/redis.ts';

const USAGE = `Usage: binance-signing-proxy check [--offline] [--new-key [--account NAME]]

Validates the configuration and, unless --offline, looks at folders, ports and Redis as a start would find them, and asks
Binance for its clock and for the permissions of each key. It may run beside a proxy: it makes, takes and writes nothing.
Turns what Binance refuses (-1021, -1022, -2015, 403) into its measured cause. Prints a table; exit 1 on any problem.

--new-key       judges a second key of an account before it is put in the place of the first: whether it belongs to the same
                account, has the same switches, and may be used from this address. It is read from <envPrefix>_NEW_API_KEY
                and <envPrefix>_NEW_API_SECRET or _NEW_PRIVATE_KEY, each also with _FILE
--account NAME  whose key it is, where there are several accounts

Examples:
  binance-signing-proxy check
  binance-signing-proxy check --new-key
  binance-signing-proxy check --offline`;

/** The doctor: says what is configured, what the keys may do, and what each client could do with them. */
export const check = command({
  name: 'check',
  usage: USAGE,
  options: {
    offline: { type: 'boolean' },
    'new-key': { type: 'boolean' },
    account: { type: 'string' },
  },
  run({ offline = false, 'new-key': isNewKey = false, account }) {
    if (account !== undefined && !isNewKey) throw new UsageError('--account belongs to --new-key.');
    if (offline && isNewKey) throw new UsageError('--new-key asks Binance: leave --offline out.');
    return examine(offline, isNewKey ? { account } : undefined);
  },
});

async function examine(
  offline: boolean,
  about: { readonly account: string | undefined } | undefined,
): Promise<number> {
  let settings: Settings;
  try {
    const cwd = process.cwd();
    settings = loadSettings({ env: readEnvironment(cwd, process.env), cwd });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(formatProblems(error));
    return EXIT.problem;
  }
  let newKey: NewKey | undefined;
  try {
    newKey = about && readNewKey(settings, about.account);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    console.error(toldProblems(error));
    return EXIT.problem;
  }
  printConfiguration(settings);
  if (offline) return EXIT.ok;
  const surroundings = await examineSurroundings(settings);
  const built = await buildProxy({ settings: withoutFiles(settings), log: () => {} });
  try {
    const earlier = await readEarlierCalls(settings, Date.now()).read();
    built.care.restore(earlier?.keyCare ?? []);
    let exitCode = await askBinance(built, settings);
    if (newKey !== undefined && !(await examineNewKey(built, settings, newKey))) exitCode = EXIT.problem;
    return surroundings.some(({ level }) => level === 'problem') ? EXIT.problem : exitCode;
  } finally {
    await built.close();
  }
}

/** A check beside a running proxy must not touch its audit folder, its day sums or its shared budgets. */
function withoutFiles(settings: Settings): Settings {
  return {
    ...settings,
    // Asked about in any case, and judged as the start does it.
    keyPreflight: settings.keyPreflight === 'off' ? 'warn' : settings.keyPreflight,
    audit: { ...settings.audit, dir: undefined },
    stateDir: undefined,
    redisUrl: undefined,
    // Whoever runs it reads what it found.
    notices: new Map(),
    accountWatches: new Map(
      Array.from(settings.accountWatches, ([name, watch]) => [name, { ...watch, streams: [] }]),
    ),
  };
}

function printConfiguration(settings: Settings): void {
  console.log(`environment ${settings.environment}, upstream ${settings.upstreams.spot}\n`);
  const rows = [...settings.clients.values()].map((client) => [
    client.name,
    client.account,
    [...client.permissions].join(', '),
    client.symbols === undefined ? 'all' : [...client.symbols].join(', '),
    client.policyMode,
  ]);
  console.log(table(['client', 'account', 'permissions', 'symbols', 'policy'], rows));
  const unguarded = settings.clientsByKeyDigest.size === 0 ? [UNGUARDED] : [];
  const warnings = [...unguarded, ...startWarnings(settings)];
  if (warnings.length > 0)
    console.log(`\n${warnings.map((sentence) => `warning     ${sentence}`).join('\n')}`);
}

async function examineSurroundings(settings: Settings): Promise<readonly Finding[]> {
  const isRunning = await isProxyRunning(settings);
  const findings = [
    ...examineFolders(settings, isRunning),
    ...(await examinePorts(settings, isRunning)),
    ...(await examineRedis(settings)),
  ];
  const rows = findings.map(({ what, level, sentence }) => [what, level, sentence]);
  console.log(`\n${table(['looked at', '', ''], rows)}`);
  return findings;
}

async function askBinance(built: BuiltProxy, settings: Settings): Promise<number> {
  const loops = await findLoops(settings);
  for (const { message } of loops) console.log(message);
  if (loops.length > 0) return EXIT.problem;
  await built.warmUp();
  const { clock, gate } = built;
  const { offsetMs } = clock.state;
  if (offsetMs === undefined) {
    console.log('\nclock       not reached: the exchange does not tell its time to this machine');
    console.log(`  ${CLOCK_UNKNOWN}`);
    for (const sentence of await diagnoseClock(built.ownCalls)) console.log(`  ${sentence}`);
    return EXIT.problem;
  }
  console.log(`\nclock       ${describeClock(clock.state)}`);
  let problems = 0;
  for (const account of settings.accounts.keys()) {
    const verdict = gate.verdicts.get(account);
    console.log(`\nkey ${account} (${settings.accounts.get(account)?.algorithm})`);
    if (verdict?.kind === 'passed' || verdict?.kind === 'failed') {
      problems += verdict.kind === 'failed' ? verdict.problems.length : 0;
      printKey(verdict, built.care.states.get(account));
      const sentences = verdict.kind === 'failed' ? verdict.problems : [];
      for (const sentence of [...sentences, ...verdict.warnings, ...verdict.notes]) console.log(sentence);
      continue;
    }
    if (verdict?.kind === 'skipped') console.log(`Its permissions are not known: ${verdict.reason}.`);
    const stopped = whyKeyStops({ config: built.app.config, gate }, account);
    if (stopped !== undefined) console.log(stopped);
    const { accepted, sentences } = await diagnoseKey(built, account);
    if (!accepted || stopped !== undefined) problems++;
    for (const sentence of sentences) console.log(sentence);
  }
  return problems === 0 ? EXIT.ok : EXIT.problem;
}

function printKey({ switches, authorityEndsMs }: KeyFacts, care: KeyCareState | undefined): void {
  const remark = (name: string, on: boolean) =>
    on && isRiskySwitch(name) ? 'RISKY' : !on && name === 'ipRestrict' ? 'warning' : '';
  const rows = Object.entries(switches).map(([name, on]) => [name, on ? 'on' : 'off', remark(name, on)]);
  if (authorityEndsMs !== undefined)
    rows.push(['tradingAuthorityExpirationTime', isoOf(authorityEndsMs), '']);
  if (care?.created !== undefined) {
    const { ageDays = 0, maxAgeDays } = care;
    rows.push(['createTime', `${care.created} (${ageDays} days)`, ageDays >= maxAgeDays ? 'OLD' : '']);
  }
  if (care?.lastUsed !== undefined)
    rows.push(['last used by an app', `${care.lastUsed} (${care.unusedDays} days)`, '']);
  console.log(table(['switch at Binance', 'state', ''], rows));
}
