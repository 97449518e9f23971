import { parseArgs } from 'node:util';
import { ConfigError, formatProblems } from '../config/config-error.ts';
import { loadSettings } from '../config/load-settings.ts';
import { readEnvironment } from '../config/read-environment.ts';
import type { Settings } from '../config/settings.ts';
import { type BuiltLine, buildLine } from './build-line.ts';
import { table } from './table.ts';

const HELP = `Usage: binance-signing-proxy check [--offline]

Validates the configuration and, unless --offline, asks Binance for its clock and for the permissions of each key.
Prints a table; exit 1 on any problem.`;

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
  const built = buildLine({ settings: withoutFiles(settings), log: () => {} });
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

async function askBinance({ line, warmUp }: BuiltLine, settings: Settings): Promise<number> {
  await warmUp();
  const { clock } = line;
  const { offsetMs, roundTripMs } = clock.state;
  if (offsetMs === undefined) {
    console.log('\nclock       not reached: the exchange does not answer from here');
    return 1;
  }
  console.log(
    `\nclock       this machine is ${describeDrift(offsetMs)} (round trip ${Math.round(roundTripMs ?? 0)} ms)`,
  );
  let problems = 0;
  for (const account of settings.accounts.keys()) {
    const verdict = line.gate.verdicts.get(account);
    if (verdict === undefined || verdict.kind === 'pending') {
      problems++;
      console.log(`\nkey ${account}: ${verdict?.reason ?? 'not asked'}${hintFor(verdict?.reason)}`);
    } else if (verdict.kind === 'skipped') {
      console.log(`\nkey ${account}: permissions not known: ${verdict.reason}`);
    } else {
      problems += verdict.kind === 'failed' ? verdict.problems.length : 0;
      console.log(`\nkey ${account}`);
      const risky = (name: string, on: boolean) =>
        on && RISKY.has(name) ? 'RISKY' : !on && name === 'ipRestrict' ? 'warning' : '';
      const rows = Object.entries(verdict.switches).map(([name, on]) => [
        name,
        on ? 'on' : 'off',
        risky(name, on),
      ]);
      console.log(table(['switch at Binance', 'state', ''], rows));
      for (const sentence of verdict.kind === 'failed' ? verdict.problems : verdict.warnings)
        console.log(sentence);
    }
  }
  return problems === 0 ? 0 : 1;
}

const RISKY = new Set(['enableWithdrawals', 'permitsUniversalTransfer', 'enableInternalTransfer']);

function describeDrift(offsetMs: number): string {
  if (offsetMs === 0) return 'exactly on time';
  return `${Math.abs(offsetMs)} ms ${offsetMs > 0 ? 'behind' : 'ahead of'} the exchange`;
}

/** What -2015 most often means. */
function hintFor(reason: string | undefined): string {
  if (reason?.includes('-2015') !== true) return '';
  return (
    '\n  -2015: the key is unknown there (live, testnet and demo have keys of their own), or the address by which this' +
    '\n  machine reaches Binance is not on the key’s IP list.'
  );
}
