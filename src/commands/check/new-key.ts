import { ConfigError, formatProblems } from '../../config/problems/config-error.ts';
import type { Settings } from '../../config/schema/settings.ts';
import { readCredential } from '../../config/sections/credentials.ts';
import { readEnvironment } from '../../config/sources/read-environment.ts';
import type { ConfigSources } from '../../config/sources/read-secret.ts';
import { KEY_QUESTION_PATH } from '../../core/budget/key-question.ts';
import type { Permission } from '../../core/catalogue/permission.ts';
import type { Credential } from '../../core/signing/credential.ts';
import type { BuiltProxy } from '../../proxy/build.ts';
import { switchFor } from '../../upstream/key-advice.ts';
import { isRiskySwitch, judgeKey, readKeyFacts } from '../../upstream/key-switches.ts';
import { UsageError } from '../base/cli.ts';
import { table } from '../base/cli-table.ts';
import { diagnoseKey } from './diagnosis.ts';

/** A second key of an account that has not taken the place of the first. */
export interface NewKey {
  readonly account: string;
  readonly credential: Credential;
}

type Switches = Readonly<Record<string, boolean>>;

const ACCOUNT_READ = '/api/v3/account?omitZeroBalances=true';

/**
 * Reads the key that is to take the place of an account's: `<envPrefix>_NEW_API_KEY` and what belongs to it.
 * @throws UsageError when it is not clear which account is meant
 * @throws ConfigError when the key cannot be read
 */
export function readNewKey(settings: Settings, named: string | undefined): NewKey {
  const [only, second] = settings.accounts.keys();
  const account = named ?? (second === undefined ? only : undefined);
  if (account === undefined) throw new UsageError('There are several accounts: name one with --account.');
  const prefix = settings.accountWatches.get(account)?.envPrefix;
  if (prefix === undefined) throw new UsageError('There is no such account in the configuration.');
  const cwd = process.cwd();
  const sources: ConfigSources = {
    ...{ cwd, env: readEnvironment(cwd, process.env) },
    ...{ problems: [], secrets: [], warnings: [] },
  };
  const read = readCredential(sources, `${prefix}_NEW`);
  if (read === undefined || sources.problems.length > 0) throw new ConfigError(sources.problems);
  for (const sentence of sources.warnings) console.log(`warning     ${sentence}`);
  return { account, credential: read.credential };
}

/** The sentences of a configuration that cannot be read, for the user. */
export function toldProblems(error: unknown): string {
  if (error instanceof ConfigError) return formatProblems(error);
  throw error;
}

/** Says whether a new key can take the place of the one that signs; false when it should not. */
export async function examineNewKey(
  built: BuiltProxy,
  settings: Settings,
  { account, credential }: NewKey,
): Promise<boolean> {
  console.log(`\nnew key of ${account} (${credential.algorithm})`);
  if (settings.accounts.get(account)?.keyDigest === credential.keyDigest) {
    console.log('It is the key that signs already: put the new one there.');
    return false;
  }
  const { accepted, sentences } = await diagnoseKey(built, account, credential);
  for (const sentence of sentences) console.log(sentence);
  if (!accepted) return false;
  const [present, next] = [
    await uidOf(built, account, settings.accounts.get(account)),
    await uidOf(built, account, credential),
  ];
  const isOther = present !== undefined && next !== undefined && present !== next;
  if (isOther) console.log('It belongs to another account at Binance: its orders would be there.');
  else if (present === undefined || next === undefined)
    console.log(
      'Whether it belongs to the same account cannot be told: one of the two keys is not answered.',
    );
  else console.log('It belongs to the same account.');
  const isFit = await compareSwitches(built, settings, { account, credential });
  const isGood = isFit && !isOther;
  if (isGood)
    console.log('It can take the place of the old one: put it there, then run binance-signing-proxy reload.');
  return isGood;
}

async function compareSwitches(
  built: BuiltProxy,
  settings: Settings,
  { account, credential }: NewKey,
): Promise<boolean> {
  const { status, text } = await built.ownCalls.get({
    ...{ upstream: 'spot', target: KEY_QUESTION_PATH, account, credential },
  });
  if (status !== 200) {
    console.log(`Its switches are not known: Binance answered HTTP ${status}.`);
    return status === 404 && !settings.isLive;
  }
  const facts = readKeyFacts(text);
  const granted = grantedOn(settings, account);
  const judged = judgeKey(facts, { granted, nowMs: Date.now() });
  const verdict = built.gate.verdicts.get(account);
  const before = verdict !== undefined && 'switches' in verdict ? verdict.switches : {};
  console.log(table(['switch at Binance', 'now', 'new', ''], rowsOf(before, facts.switches)));
  const lost = [...granted].flatMap((permission) => {
    const needed = switchFor(permission);
    return needed !== undefined && facts.switches[needed.name] === false ? needed.name : [];
  });
  const problems = judged.kind === 'failed' ? judged.problems : [];
  for (const sentence of [...problems, ...judged.warnings, ...judged.notes]) console.log(sentence);
  console.log(
    facts.switches.ipRestrict === true
      ? 'It has an IP list, and this address is on it.'
      : 'It has no IP list: whoever has it can use it from anywhere.',
  );
  return problems.length === 0 && lost.length === 0;
}

function rowsOf(before: Switches, next: Switches): string[][] {
  const state = (on: boolean | undefined) => (on === undefined ? '' : on ? 'on' : 'off');
  return [...new Set([...Object.keys(before), ...Object.keys(next)])].map((name) => {
    const isRisky = next[name] === true && isRiskySwitch(name);
    const isOther = before[name] !== undefined && before[name] !== next[name];
    return [name, state(before[name]), state(next[name]), isRisky ? 'RISKY' : isOther ? 'differs' : ''];
  });
}

function grantedOn({ clients }: Settings, account: string): ReadonlySet<Permission> {
  const own = [...clients.values()].filter((client) => client.account === account);
  return new Set(own.flatMap(({ permissions }) => [...permissions]));
}

/** The number of the account that a key belongs to; undefined when it is not told. */
async function uidOf(
  { ownCalls }: BuiltProxy,
  account: string,
  credential: Credential | undefined,
): Promise<number | undefined> {
  if (credential === undefined) return undefined;
  try {
    const answer = await ownCalls.get({ upstream: 'spot', target: ACCOUNT_READ, account, credential });
    const { uid } = Object(JSON.parse(answer.text)) as { readonly uid?: unknown };
    return answer.status === 200 && typeof uid === 'number' ? uid : undefined;
  } catch {
    return undefined;
  }
}
