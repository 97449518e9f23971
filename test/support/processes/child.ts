import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

export const MAIN = fileURLToPath(new URL('../../../src/main.ts', import.meta.url));

const BARE_ENV = { PATH: process.env.PATH ?? '' };

/** What every process of the program is given that may read more than its own files: where to find others, and what makes its start cheap. */
export const CHILD_ENV = {
  ...BARE_ENV,
  NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? '',
  NODE_OPTIONS: `--import=${new URL('../bundled-typebox.mjs', import.meta.url)}`,
};

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Child {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  /** What it has printed so far. */
  readonly lines: readonly string[];
  /** The first log record of this event from `after` on; rejects when the process ends before. */
  record(event: string, after?: number): Promise<Readonly<Record<string, unknown>>>;
  /** What the first group matches in the first line of stdout like this; rejects when the process ends before. */
  line(wanted: RegExp): Promise<string>;
  /** How many log records there are so far. */
  readonly recordCount: number;
  kill(signal: NodeJS.Signals): void;
}

export interface ChildOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly command?: string;
}

/** A real process of the program, in an environment of its own, gone when the test ends. */
export function startChild(
  args: readonly string[],
  { cwd, env = {}, command = process.execPath }: ChildOptions,
): Child {
  const child: ChildProcess = spawn(command, [...args], {
    cwd,
    env: { ...(args.includes('--permission') ? BARE_ENV : CHILD_ENV), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  });
  let stdout = '';
  let stderr = '';
  const records: Readonly<Record<string, unknown>>[] = [];
  const wake = new Set<() => void>();
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  createInterface({ input: child.stdout! }).on('line', (line) => {
    stdout += `${line}\n`;
    if (line.startsWith('{"time"')) records.push(JSON.parse(line) as Record<string, unknown>);
    for (const each of wake) each();
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  const found = <T>(find: () => T | undefined, name: string): Promise<T> =>
    new Promise((resolve, reject) => {
      const look = () => {
        const value = find();
        if (value === undefined) return;
        wake.delete(look);
        resolve(value);
      };
      wake.add(look);
      look();
      ended.then(() => reject(new Error(`ended before ${name}: ${stderr}${stdout}`)), reject);
    });
  return {
    pid: child.pid ?? 0,
    ended,
    get lines() {
      return stdout.split('\n');
    },
    get recordCount() {
      return records.length;
    },
    record: (event, after = 0) =>
      found(() => records.slice(after).find((each) => each.event === event), event),
    line: (wanted) => found(() => wanted.exec(stdout)?.[1], String(wanted)),
    kill: (signal) => void child.kill(signal),
  };
}

/** Where a started proxy listens, by its own record. */
export async function addressesOf(
  child: Child,
): Promise<{ readonly url: string; readonly operatorUrl: string }> {
  const { detail } = await child.record('proxy.started');
  return detail as { url: string; operatorUrl: string };
}

export function runToEnd(args: readonly string[], options: ChildOptions): Promise<Ended> {
  return startChild(args, options).ended;
}
