import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { fileURLToPath } from 'node:url';
import { hasLibraries, whatKeepsFromStarting } from './needed-libraries.mjs';
import { noNodeSentence, ownNode, suffices } from './own-node.mjs';

/** What every start gets: SIGUSR1 opens no inspector in the process that holds the key. */
const FLAGS = ['--disable-sigusr1'];
const FORWARDED = ['SIGHUP', 'SIGINT', 'SIGTERM'];

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/**
 * Runs the program with these arguments: here when this Node is the right one and was started rightly, else in the
 * Node that npm brought, in the place of this process where Node can do that.
 */
export async function launch(args) {
  const isStartedRightly = FLAGS.every((flag) => process.execArgv.includes(flag));
  // Under Node's permission model no process can be started: who sets it has written the whole line by hand.
  if (suffices() && (isStartedRightly || process.permission !== undefined)) return await run();
  const node = ownNode() ?? realpathSync(process.execPath);
  // The Node that npm brought suffices; where this is the one that would be started, nothing better is at hand.
  const isTooOld = node === realpathSync(process.execPath) && !suffices();
  const problem = isTooOld ? noNodeSentence() : hasLibraries() ? undefined : whatKeepsFromStarting(node);
  if (problem !== undefined) {
    process.stderr.write(`${problem}\n`);
    process.exitCode = 1;
    return;
  }
  const given = process.execArgv.filter((flag) => !FLAGS.includes(flag));
  handOver(node, [...FLAGS, ...given, here('./binance-signing-proxy.mjs'), ...args]);
}

/** A checkout runs what stands in src/, a package what was built of it. */
async function run() {
  // Beside the program and never in a folder that others can write: what stands there is run with the keys at hand.
  const source = new URL('../src/main.ts', import.meta.url);
  if (!existsSync(source)) return await import('../dist/program/main.js');
  nodeModule.enableCompileCache?.(here('../node_modules/.cache/binance-signing-proxy'));
  return await import(source);
}

function handOver(node, args) {
  // The same process goes on as another program: nothing stands between it and its signals, terminal and exit code.
  if (typeof process.execve === 'function' && process.platform !== 'win32')
    return process.execve(node, [node, ...args], process.env);
  const child = spawn(node, args, { stdio: 'inherit' });
  child.once('error', ({ message }) => {
    process.stderr.write(`The Node that runs the program cannot be started: ${message}.\n`);
    process.exitCode = 1;
  });
  // Ctrl-C reaches both by the terminal, and a second one would cut the first one's orderly end short.
  const byTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  for (const signal of FORWARDED)
    process.on(signal, () => void (signal === 'SIGINT' && byTerminal ? 0 : child.kill(signal)));
  child.once('exit', (code, signal) => {
    for (const each of FORWARDED) process.removeAllListeners(each);
    if (signal === null) process.exitCode = code;
    else process.kill(process.pid, signal);
  });
}
