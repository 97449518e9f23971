import type { KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { readMoment } from '../audit/reading/read-moment.ts';
import { readRecords } from '../audit/reading/read-records.ts';
import { tableHeading, tableRow } from '../audit/reading/record-table.ts';
import { REPORT_LEGEND, reportBlock } from '../audit/reading/report-table.ts';
import { asksForSubject, isSelected, namesSubject, type Selection } from '../audit/reading/selection.ts';
import { filesOf, trailsOf } from '../audit/reading/trail-paths.ts';
import { TrailReport } from '../audit/reading/trail-report.ts';
import { verifyTrail } from '../audit/reading/verify-trail.ts';
import { loadCatalogue } from '../config/load-catalogue.ts';
import { ConfigError, type ConfigProblem } from '../config/problems/config-error.ts';
import { readEnvironment } from '../config/sources/read-environment.ts';
import { readToken } from '../config/sources/read-secret.ts';
import { auditKeyFrom } from '../core/records/chain.ts';
import type { AuditRecord } from '../core/records/record.ts';

type Flags = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;
type Sub = (paths: readonly string[], flags: Flags) => Promise<number>;

const USAGE = `Usage: binance-signing-proxy audit <verify|show|report> [options] PATH…

PATH is an audit folder, files of one, or (show, report) a saved log of stdout.

  verify   finds the first changed, removed, inserted, reordered or cut record; exit 1 when there is one
           --key-file FILE   the audit key; again for each later one; else BINANCE_PROXY_AUDIT_KEY(_FILE)
           --from-seq N      the folder begins with record N because older files were archived
  show     prints records: a table on a terminal, JSON lines otherwise
           --client NAME  --outcome answered|not-sent|unknown  --event call.refused (or call)
           --symbol S  --order-id ID  --client-order-id ID   (all records of the calls that name it)
           --since T  --until T   a day, an ISO time in UTC, or 90m, 24h, 7d ago
           --json | --table
  report   per client and day: calls, refusals by rule, orders, notional by quote asset, weight, latency
           --client NAME  --since T  --until T  --json
`;

const OPTIONS = {
  help: { type: 'boolean', short: 'h' },
  'key-file': { type: 'string', multiple: true },
  'from-seq': { type: 'string' },
  client: { type: 'string' },
  outcome: { type: 'string' },
  event: { type: 'string' },
  symbol: { type: 'string' },
  'order-id': { type: 'string' },
  'client-order-id': { type: 'string' },
  since: { type: 'string' },
  until: { type: 'string' },
  json: { type: 'boolean' },
  table: { type: 'boolean' },
} as const;

const RANGE = ['client', 'since', 'until', 'json'];
const SUBS: ReadonlyMap<string, readonly [run: Sub, flags: readonly string[]]> = new Map([
  ['verify', [verify, ['key-file', 'from-seq']]],
  ['show', [show, [...RANGE, 'outcome', 'event', 'symbol', 'order-id', 'client-order-id', 'table']]],
  ['report', [report, RANGE]],
]);

/** `audit verify|show|report`: exit code 0, 1 when a trail is not whole or a path cannot be read, 2 for a wrong call. */
export async function audit(argv: readonly string[]): Promise<number> {
  process.stdout.on('error', ignore);
  try {
    const { values, positionals } = parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true });
    const [name, ...paths] = positionals;
    if (values.help === true) return await print(USAGE);
    const sub = SUBS.get(name ?? '');
    if (sub === undefined) throw new UsageError('say what to do: audit verify, audit show or audit report');
    const foreign = Object.keys(values).find((flag) => !sub[1].includes(flag));
    if (foreign !== undefined) throw new UsageError(`audit ${name} has no option --${foreign}`);
    if (paths.length === 0) throw new UsageError(`audit ${name} needs the path of an audit folder or file`);
    return await sub[0](paths, values);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    // Whoever reads the output has seen enough: `audit show … | head`.
    if (code === 'EPIPE') return 0;
    process.stderr.write(`${error instanceof Error ? error.message : 'unknown error'}\n`);
    return error instanceof UsageError || code.startsWith('ERR_PARSE_ARGS') ? 2 : 1;
  } finally {
    process.stdout.off('error', ignore);
  }
}

class UsageError extends Error {}

async function verify(paths: readonly string[], flags: Flags): Promise<number> {
  const from = flags['from-seq'] ?? '1';
  if (typeof from !== 'string' || !/^[1-9]\d{0,14}$/.test(from)) {
    throw new UsageError('--from-seq takes the number of a record');
  }
  const keys = readKeys(flags['key-file']);
  let exitCode = 0;
  for (const trail of trailsOf(paths)) {
    const verdict = verifyTrail(trail, { keys, firstSeq: Number(from) });
    const { problem, files, records, firstSeq, lastSeq } = verdict;
    const range = firstSeq === undefined ? '' : `, seq ${firstSeq} to ${lastSeq}`;
    if (problem === undefined) {
      const sealed = keys.length === 0 ? 'SHA-256, no key' : 'HMAC-SHA256';
      await print(`${trail.folder}: OK, ${records} records in ${files} files${range} (${sealed})\n`);
    } else {
      exitCode = 1;
      await print(`${problem.file}:${problem.line}: ${problem.message}\n`);
      await print(`${trail.folder}: NOT WHOLE, ${records} records before it are right${range}\n`);
    }
    for (const note of verdict.notes) await print(`  note: ${note}\n`);
  }
  return exitCode;
}

async function show(paths: readonly string[], flags: Flags): Promise<number> {
  const selection = readSelection(flags);
  const files = trailsOf(paths).flatMap(filesOf);
  const calls = asksForSubject(selection) ? callsOf(files, selection) : undefined;
  const isTable = flags.json !== true && (flags.table === true || process.stdout.isTTY);
  const isColoured = process.stdout.isTTY && !process.env.NO_COLOR;
  if (isTable) await print(`${tableHeading(isColoured)}\n`);
  for (const { record, text } of readRecords(files)) {
    if (!isSelected(record, selection)) continue;
    if (calls !== undefined && !belongs(record, calls, selection)) continue;
    await print(`${isTable ? tableRow(record, isColoured) : text}\n`);
  }
  return 0;
}

/** The request ids of the calls that name the subject in any of their records. */
function callsOf(files: readonly string[], selection: Selection): ReadonlySet<string> {
  const calls = new Set<string>();
  for (const { record } of readRecords(files)) {
    if (record.requestId !== undefined && namesSubject(record, selection)) calls.add(record.requestId);
  }
  return calls;
}

function belongs(record: AuditRecord, calls: ReadonlySet<string>, selection: Selection): boolean {
  return record.requestId === undefined ? namesSubject(record, selection) : calls.has(record.requestId);
}

async function report(paths: readonly string[], flags: Flags): Promise<number> {
  const selection = readSelection(flags);
  const totals = new TrailReport(loadCatalogue());
  for (const { record } of readRecords(trailsOf(paths).flatMap(filesOf))) {
    if (isSelected(record, selection)) totals.add(record);
  }
  const days = totals.results();
  if (flags.json === true) {
    for (const day of days) await print(`${JSON.stringify(day)}\n`);
    return 0;
  }
  if (days.length === 0) return await print('No calls in these records.\n');
  return await print(`${days.map(reportBlock).join('\n\n')}\n\n${REPORT_LEGEND}\n`);
}

function readSelection(flags: Flags): Selection {
  return {
    client: textFlag(flags.client),
    outcome: textFlag(flags.outcome),
    event: textFlag(flags.event),
    symbol: textFlag(flags.symbol),
    orderId: textFlag(flags['order-id']),
    clientOrderId: textFlag(flags['client-order-id']),
    sinceMs: momentFlag('since', flags, 'start'),
    untilMs: momentFlag('until', flags, 'end'),
  };
}

function textFlag(value: Flags[string]): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function momentFlag(name: string, flags: Flags, edge: 'start' | 'end'): number | undefined {
  const text = textFlag(flags[name]);
  if (text === undefined) return undefined;
  const timeMs = readMoment(text, edge, Date.now());
  if (timeMs === undefined)
    throw new UsageError(`--${name} takes a day, an ISO time in UTC, or 90m, 24h, 7d`);
  return timeMs;
}

/** The keys of the files named, else the one that the proxy would read here. */
function readKeys(files: Flags[string]): KeyObject[] {
  if (Array.isArray(files)) return files.map((file) => readKeyFile(String(file)));
  const problems: ConfigProblem[] = [];
  const cwd = process.cwd();
  const env = readEnvironment(cwd, process.env);
  const key = readToken({ env, cwd, problems, secrets: [] }, 'BINANCE_PROXY_AUDIT_KEY');
  if (key === 'refused') throw new ConfigError(problems);
  return key === 'not-set' ? [] : [auditKeyFrom(key.text)];
}

function readKeyFile(path: string): KeyObject {
  const text = readFileSync(path, 'utf8').replace(/[\r\n]+$/, '');
  if (text === '') throw new UsageError(`the key file ${path} is empty`);
  return auditKeyFrom(text);
}

async function print(text: string): Promise<0> {
  const { errored } = process.stdout;
  if (errored) throw errored;
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
  return 0;
}

/** A broken pipe is met at the next print; without a listener it would end the program with a stack trace. */
function ignore(): void {}
