import { spawn, spawnSync } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';
import { onTestFinished } from 'vitest';
import { CHILD_ENV } from './child.ts';

/** Runs a program on a terminal of its own: what comes in is typed, what goes out is what is seen. */
const BRIDGE = `
import os, pty, sys
size = 'stty cols 120 rows 40; exec "$@"'
sys.exit(os.waitstatus_to_exitcode(pty.spawn(['sh', '-c', size, 'sh', *sys.argv[1:]])))
`;

/** Undefined where no terminal can be made: the reason stands in {@link TERMINAL_MISSING}. */
const python = ['/usr/bin/python3', 'python3'].find(
  (name) => spawnSync(name, ['-c', 'import pty, os; os.waitstatus_to_exitcode']).status === 0,
);

export const hasTerminal = python !== undefined;
export const TERMINAL_MISSING =
  'No Python with its module pty is installed: tests on a terminal are left out.';

export interface Terminal {
  /** Everything shown so far, without colours and movements of the cursor. */
  readonly seen: string;
  /** The same as it was written. */
  readonly raw: string;
  /** Waits until this is shown, counted from what was matched before; rejects when the program ends before. */
  sees(wanted: RegExp): Promise<void>;
  type(text: string): void;
  readonly ended: Promise<number | null>;
}

/** Starts Node with these arguments on a terminal, gone when the test ends. */
export function onTerminal(
  args: readonly string[],
  { cwd, env = {} }: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> },
): Terminal {
  const child = spawn(python ?? 'python3', ['-c', BRIDGE, process.execPath, ...args], {
    cwd,
    env: { ...CHILD_ENV, TERM: 'xterm-256color', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  });
  let raw = '';
  let matched = 0;
  const wake = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    raw += chunk;
    for (const each of wake) each();
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  const seen = () => stripVTControlCharacters(raw).replaceAll('\r', '');
  return {
    get seen() {
      return seen();
    },
    get raw() {
      return raw;
    },
    sees(wanted) {
      return new Promise((resolve, reject) => {
        const look = () => {
          const text = seen();
          const found = wanted.exec(text.slice(matched));
          if (found === null) return;
          matched += found.index + found[0].length;
          wake.delete(look);
          resolve();
        };
        wake.add(look);
        look();
        ended.then(() => reject(new Error(`ended before ${wanted}: ${seen()}`)), reject);
      });
    },
    type: (text) => void child.stdin.write(text),
    ended,
  };
}
