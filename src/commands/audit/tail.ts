import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { LiveSelection } from '../../audit/reading/live-selection.ts';
import { type PrintedRecord, parseRecord } from '../../audit/reading/read-records.ts';
import { TrailFollower } from '../../audit/reading/trail-follower.ts';
import { type Action, EXIT, type Values } from '../base/cli.ts';
import { visible } from '../base/cli-table.ts';
import { readRange, SUBJECT } from './arguments.ts';
import { print } from './print.ts';
import { FORM, RecordPrinter } from './printer.ts';

const OPTIONS = { client: { type: 'string' }, since: { type: 'string' }, ...SUBJECT, ...FORM } as const;

/** Without a time the last few records are shown, of those that stand so near to the end. */
const LAST_RECORDS = 10;
const LOOK_BACK_BYTES = 1_048_576;
const LOOK_AGAIN_MS = 200;

/** `audit tail`: shows records while they are written, until it is stopped. */
export const tail: Action<typeof OPTIONS> = {
  options: OPTIONS,
  argument: 'the path of an audit folder or file, or - for records on stdin',
  run,
};

async function run(values: Values<typeof OPTIONS>, [path = '']: readonly string[]): Promise<number> {
  const { client, sinceMs } = readRange(values);
  const { outcome, event, error, symbol } = values;
  const printer = new RecordPrinter(values);
  const show = {
    printer,
    selection: new LiveSelection({ client, sinceMs, outcome, event, error, symbol }),
  };
  if (path === '-') await followStdin(show);
  else await followTrail(show, path, sinceMs);
  return EXIT.ok;
}

interface Show {
  readonly printer: RecordPrinter;
  readonly selection: LiveSelection;
}

async function followTrail(
  { printer, selection }: Show,
  path: string,
  sinceMs: number | undefined,
): Promise<void> {
  const follower = new TrailFollower(
    path,
    sinceMs === undefined ? { backBytes: LOOK_BACK_BYTES } : { sinceMs },
  );
  const stop = new AbortController();
  const end = () => stop.abort();
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
  try {
    await printer.heading();
    if (sinceMs === undefined) {
      const last = chosen(follower, selection).toArray().slice(-LAST_RECORDS);
      for (const record of last) await printer.record(record);
    }
    while (!stop.signal.aborted) {
      for (const record of chosen(follower, selection)) await printer.record(record);
      await pause(LOOK_AGAIN_MS, undefined, { signal: stop.signal }).catch(() => {});
    }
  } finally {
    follower.close();
    process.off('SIGINT', end);
    process.off('SIGTERM', end);
  }
}

function* chosen(follower: TrailFollower, selection: LiveSelection): Generator<PrintedRecord> {
  for (const text of follower.read()) {
    const record = parseRecord(text);
    if (record !== undefined && selection.shows(record)) yield { record, text };
  }
}

/** Reads the log of a proxy as it comes. What is no record is passed on: it is what somebody looks for when it ends. */
async function followStdin({ printer, selection }: Show): Promise<void> {
  // The end is that of the log: on Ctrl-C the proxy before the pipe still says that it stops.
  const goOn = () => {};
  process.once('SIGINT', goOn);
  try {
    await printer.heading();
    for await (const text of createInterface({ input: process.stdin })) {
      const record = parseRecord(text);
      if (record === undefined) await print(`${printer.isTable ? visible(text) : text}\n`);
      else if (selection.shows(record)) await printer.record({ record, text });
    }
  } finally {
    process.off('SIGINT', goOn);
  }
}
