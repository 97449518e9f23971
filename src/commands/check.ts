import { loadSettings } from '../config/load-settings.ts';
import { ConfigError, formatProblems } from '../config/problems/config-error.ts';
import type { Settings } from '../config/schema/settings.ts';
import { readEnvironment } from '../config/sources/read-environment.ts';
import { type BuiltProxy, buildProxy } from '../proxy/build.ts';
import { findLoops } from '../proxy/loops.ts';
import type { KeySwitches } from '../upstream/key-advice.ts';
import { isRiskySwitch } from '../upstream/key-switches.ts';
import { describeClock, diagnoseClock, diagnoseKey } from './check/diagnosis.ts';
import { command, EXIT } from './cli.ts';
import { table } from './cli-table.ts';

const USAGE = `Usage: binance-signing-proxy check [--offline]

Validates the configuration and, unless --offline, asks Binance for its clock and for the permissions of each key.
Turns what Binance refuses (-1021, -1022, -2015, 403) into its measured cause. Prints a table; exit 1 on any problem.`;

/** The doctor: says what is configured, what the keys may do, and what each client could do with them. */
export const check = command({
  name: 'check',
  usage: USAGE,
  options: { offline: { type: 'boolean' } },
  run: ({ offline = false }) => examine(offline),
});

async function examine(offline: boolean): Promise<number> {
  let settings: Settings;
  try {
    const cwd = process.cwd();
    settings = loadSettings({ env: readEnvironment(cwd, process.env), cwd });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(formatProblems(error));
    return EXIT.problem;
  }
  printConfiguration(settings);
  if (offline) return EXIT.ok;
  const built = await buildProxy({ settings: withoutFiles(settings), log: () => {} });
  try {
    return await askBinance(built, settings);
  } finally {
    await built.close();
  }
}

/** A check beside a running proxy must not touch its audit folder, its day sums or its shared budgets. */
function withoutFiles(settings: Settings): Settings {
  return {
    ...settings,
    keyPreflight: 'warn',
    audit: { ...settings.audit, dir: undefined },
    stateDir: undefined,
    redisUrl: undefined,
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
      printSwitches(verdict.switches);
      for (const sentence of verdict.kind === 'failed' ? verdict.problems : verdict.warnings)
        console.log(sentence);
      continue;
    }
    if (verdict?.kind === 'skipped') console.log(`Its permissions are not known: ${verdict.reason}.`);
    const { accepted, sentences } = await diagnoseKey(built, account);
    if (!accepted) problems++;
    for (const sentence of sentences) console.log(sentence);
  }
  return problems === 0 ? EXIT.ok : EXIT.problem;
}

function printSwitches(switches: KeySwitches): void {
  const remark = (name: string, on: boolean) =>
    on && isRiskySwitch(name) ? 'RISKY' : !on && name === 'ipRestrict' ? 'warning' : '';
  const rows = Object.entries(switches).map(([name, on]) => [name, on ? 'on' : 'off', remark(name, on)]);
  console.log(table(['switch at Binance', 'state', ''], rows));
}
