import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { AUDIT_LOCK, STATE_LOCK } from '../audit/folder-lock.ts';
import { type PrintedRecord, parseRecord } from '../audit/reading/read-records.ts';
import { TrailFollower } from '../audit/reading/trail-follower.ts';
import { command, EXIT, UsageError, type Values } from './base/cli.ts';
import { withSentences } from './base/with-sentences.ts';
import { configuredFolders } from './reload/configured-folders.ts';
import { holdersOf } from './reload/find-proxy.ts';

const USAGE = `Usage: binance-signing-proxy reload [--pid N] [--audit-dir PATH] [--timeout SECONDS] [--json]

Has the running proxy read secrets and configuration again (it sends SIGHUP, which needs no shell and no kill), waits for
what came of it and prints that. Exit code 0: loaded. 78: refused, with what is wrong; the old configuration stays.
1: there is no such proxy, or it did not answer in time.

Run it in the folder of the proxy and as its user: the proxy is the process that holds the audit folder (or the state
folder) of this configuration.

--pid N            the number of its process, where that cannot be found out; 1 in most containers
--audit-dir PATH   the audit folder, where this configuration does not name it
--timeout SECONDS  how long to wait for the answer, 15 unless told
--json             prints the record

Examples:
  binance-signing-proxy reload
  docker compose exec signing-proxy /nodejs/bin/node dist/program/main.js reload`;

const OPTIONS = {
  pid: { type: 'string' },
  'audit-dir': { type: 'string' },
  timeout: { type: 'string' },
  json: { type: 'boolean' },
} as const;

const USUAL_TIMEOUT_S = 15;
const LOOK_AGAIN_MS = 50;

/** The command `reload`: SIGHUP for those who have no shell, with its outcome. */
export const reload = withSentences(
  command({ name: 'reload', usage: USAGE, options: OPTIONS, run: haveReload }),
);

async function haveReload(values: Values<typeof OPTIONS>): Promise<number> {
  const cwd = process.cwd();
  const timeoutMs = 1_000 * wholeNumber('timeout', values.timeout, USUAL_TIMEOUT_S);
  const given = values.pid === undefined ? undefined : wholeNumber('pid', values.pid, 0);
  const folders = configuredFolders(cwd, process.env);
  const named = values['audit-dir'];
  const auditDir = named === undefined ? folders.auditDir : resolve(cwd, named);
  const pid = given ?? findProxy(auditDir, folders.stateDir);
  if (typeof pid === 'string') {
    console.error(pid);
    return EXIT.problem;
  }
  // Its end is noted before the signal: nothing of the answer is missed.
  const follower = auditDir === undefined ? undefined : new TrailFollower(auditDir, { backBytes: 0 });
  try {
    follower?.read().toArray();
    const failure = signal(pid, 'SIGHUP');
    if (failure !== undefined) {
      console.error(failure);
      return EXIT.problem;
    }
    if (follower === undefined) {
      console.log(
        `SIGHUP was sent to process ${pid}. Without an audit folder what came of it stands in its log alone: config.loaded or config.refused.`,
      );
      return EXIT.ok;
    }
    return tell(await outcome(follower, pid, timeoutMs), pid, values.json === true);
  } finally {
    follower?.close();
  }
}

/** The process of the proxy, or the sentence that says why it is not known. */
function findProxy(auditDir: string | undefined, stateDir: string | undefined): number | string {
  const [folder, file] = auditDir === undefined ? [stateDir, STATE_LOCK.file] : [auditDir, AUDIT_LOCK.file];
  if (folder === undefined) {
    return 'Neither an audit folder nor a state folder is configured here, so the proxy cannot be found: give --pid, or run this in its folder.';
  }
  const holders = holdersOf(join(folder, file));
  if (holders === undefined) return 'This system does not tell which process the proxy is: give --pid.';
  const [pid, ...others] = holders.pids;
  if (pid !== undefined && others.length === 0) return pid;
  if (pid !== undefined) return `Several processes hold ${folder} (${holders.pids.join(', ')}): give --pid.`;
  const unseen = 'Some processes belong to other users: if the proxy is one of them, run this as its user.';
  return `No running proxy holds ${folder}.${holders.isComplete ? '' : ` ${unseen}`}`;
}

/** Sends a signal; the sentence that says why it did not arrive, if so. */
function signal(pid: number, name: NodeJS.Signals | 0): string | undefined {
  try {
    process.kill(pid, name);
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EPERM') return `Process ${pid} belongs to another user: run this as its user.`;
    return `There is no process ${pid} (${code}).`;
  }
}

/** The record of the outcome; undefined when none came in time. */
async function outcome(
  follower: TrailFollower,
  pid: number,
  timeoutMs: number,
): Promise<PrintedRecord | undefined> {
  const endMs = performance.now() + timeoutMs;
  while (performance.now() < endMs) {
    const isAlive = signal(pid, 0) === undefined;
    for (const text of follower.read()) {
      const record = parseRecord(text);
      if (record?.event === 'config.loaded' || record?.event === 'config.refused') return { record, text };
    }
    if (!isAlive) return undefined;
    await pause(LOOK_AGAIN_MS);
  }
  return undefined;
}

function tell(answer: PrintedRecord | undefined, pid: number, isJson: boolean): number {
  if (answer === undefined) {
    console.error(`Process ${pid} did not say in time what came of it: look at its log.`);
    return EXIT.problem;
  }
  const { record, text } = answer;
  const isLoaded = record.event === 'config.loaded';
  if (isJson) console.log(text);
  else if (isLoaded) console.log(`Loaded. ${changesOf(record.detail)}`);
  else console.error(`Refused, the old configuration stays:\n${record.msg ?? ''}`);
  return isLoaded ? EXIT.ok : EXIT.configuration;
}

function changesOf(detail: PrintedRecord['record']['detail']): string {
  const changes = Object.entries(detail ?? {}).map(([name, value]) => `${name}: ${value}`);
  return changes.length === 0 ? 'Nothing changed.' : changes.join('; ');
}

function wholeNumber(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new UsageError(`--${name} takes a whole number above zero.`);
}
