import { parseArgs } from 'node:util';
import { loadSettings } from '../config/load-settings.ts';
import { ConfigError, formatProblems } from '../config/problems/config-error.ts';
import type { Settings } from '../config/schema/settings.ts';
import { readEnvironment } from '../config/sources/read-environment.ts';
import { type BuiltLine, buildLine } from '../proxy/build.ts';
import { isRiskySwitch, type KeySwitches } from '../upstream/key-gate.ts';
import { describeClock, diagnoseClock, diagnoseKey } from './check/diagnosis.ts';
import { table } from './table.ts';

const HELP = `Usage: binance-signing-proxy check [--offline]

Validates the configuration and, unless --offline, asks Binance for its clock and for the permissions of each key.
Turns what Binance refuses (-1021, -1022, -2015, 403) into its measured cause. Prints a table; exit 1 on any problem.`;

/** The doctor: says what is configured, what the keys may do, and what each client could do with them. */
export async function check(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: { help: { type: 'boolean', short: 'h' }, offline: { type: 'boolean' } },
  });
  if (values.help === true) {
    console.log(HELP);
    return 0;
  }
  let settings: Settings;
  try {
    const cwd = process.cwd();
    settings = loadSettings({ env: readEnvironment(cwd, process.env), cwd });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(formatProblems(error));
    return 1;
  }
  printConfiguration(settings);
  if (values.offline === true) return 0;
  const built = await buildLine({ settings: withoutFiles(settings), log: () => {} });
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

async function askBinance(built: BuiltLine, settings: Settings): Promise<number> {
  await built.warmUp();
  const { clock, gate } = built.line;
  const { offsetMs } = clock.state;
  if (offsetMs === undefined) {
    console.log('\nclock       not reached: the exchange does not tell its time to this machine');
    for (const sentence of await diagnoseClock(built.ownCalls)) console.log(`  ${sentence}`);
    return 1;
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
  return problems === 0 ? 0 : 1;
}

function printSwitches(switches: KeySwitches): void {
  const remark = (name: string, on: boolean) =>
    on && isRiskySwitch(name) ? 'RISKY' : !on && name === 'ipRestrict' ? 'warning' : '';
  const rows = Object.entries(switches).map(([name, on]) => [name, on ? 'on' : 'off', remark(name, on)]);
  console.log(table(['switch at Binance', 'state', ''], rows));
}
