import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { availableParallelism } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';

/** A program under way, and its process. */
export interface Program {
  readonly pid: number;
  readonly exited: Promise<unknown>;
  stop(): Promise<void>;
}

export interface ProgramOptions {
  readonly cpu?: number | undefined;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** How long it may run, in ms. */
  readonly timeoutMs?: number;
  /** Drop what it says on stderr. */
  readonly silent?: boolean;
  /** File descriptor for its stdout; dropped otherwise. */
  readonly stdout?: number;
}

/** One core for what is measured, another for load and upstream; undefined where the machine has only one. */
export const CPU_LOAD = availableParallelism() > 1 && hasProgram('taskset') ? 0 : undefined;
export const CPU_PROXY = CPU_LOAD === undefined ? undefined : 1;
const TICK_MS = 10;
const children = new Set<ChildProcess>();

export function hasProgram(name: string): boolean {
  try {
    execFileSync('/bin/sh', ['-c', `command -v ${name}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Starts a program, on one core where that is asked for. */
export function start(command: readonly string[], options: ProgramOptions = {}): Program {
  const [file = '', ...args] =
    options.cpu === undefined ? command : ['taskset', '-c', String(options.cpu), ...command];
  const child = spawn(file, args, {
    env: { ...process.env, ...options.env },
    stdio: ['ignore', options.stdout ?? 'ignore', options.silent === true ? 'ignore' : 'inherit'],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  children.add(child);
  const exited = once(child, 'exit').finally(() => children.delete(child));
  return {
    pid: child.pid ?? 0,
    exited,
    async stop() {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 12_000);
      await exited;
      clearTimeout(timer);
    },
  };
}

/** Runs a program to its end and returns what it printed. */
export async function output(command: readonly string[], options: ProgramOptions = {}): Promise<string> {
  const [file = '', ...args] =
    options.cpu === undefined ? command : ['taskset', '-c', String(options.cpu), ...command];
  const child = spawn(file, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...options.env },
    ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs }),
  });
  children.add(child);
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  children.delete(child);
  if (code !== 0) throw new Error(`${command.slice(0, 2).join(' ')} ended with ${code}: ${text.slice(-500)}`);
  return text;
}

/** Ends whatever this run has started. */
export function stopAll(): void {
  for (const child of children) child.kill('SIGTERM');
}

/** Waits until a GET is answered with 200. */
export async function untilAnswered(url: string, program?: Program): Promise<void> {
  let dead = false;
  void program?.exited.then(() => {
    dead = true;
  });
  for (let attempt = 0; attempt < 1_500 && !dead; attempt++) {
    const status = await fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
      async (answer) => {
        await answer.arrayBuffer();
        return answer.status;
      },
      () => 0,
    );
    if (status === 200) return;
    await pause(10);
  }
  throw new Error(`no answer from ${url}`);
}

export async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A server on a free port of the loopback, and its origin. */
export async function serveOn(server: Server = createServer()): Promise<{ origin: string; server: Server }> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

/** CPU time of a process and all below it, in ms. */
export function cpuMs(pid: number): number {
  return familyOf(pid).reduce((sum, each) => sum + ticksOf(each), 0) * TICK_MS;
}

/** CPU time of a process's main thread, in ms, and the part of it in the kernel. */
export function mainThreadMs(pid: number): { all: number; kernel: number } {
  const fields = fieldsOf(`/proc/${pid}/task/${pid}/stat`);
  const [user, kernel] = [Number(fields[11] ?? 0), Number(fields[12] ?? 0)];
  return { all: (user + kernel) * TICK_MS, kernel: kernel * TICK_MS };
}

/** Busy time of all cores since the machine started, in ms: what others use shows in it. */
export function machineBusyMs(): number {
  const [, user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = read('/proc/stat')
    .split('\n', 1)[0]!
    .split(/\s+/)
    .map(Number);
  return (user + nice + system + irq + softirq + steal) * TICK_MS;
}

/** Memory of a process and all below it, in MB: resident, and with shared pages divided among their users. */
export function memoryMb(pid: number): { rss: number; pss: number } {
  let rss = 0;
  let pss = 0;
  for (const each of familyOf(pid)) {
    const rollup = read(`/proc/${each}/smaps_rollup`);
    rss += Number(/^Rss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0) / 1024;
    pss += Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0) / 1024;
  }
  return { rss, pss };
}

/** A process and all below it. */
export function familyOf(pid: number): number[] {
  const below = read(`/proc/${pid}/task/${pid}/children`)
    .split(' ')
    .filter((each) => each !== '');
  return [pid, ...below.flatMap((each) => familyOf(Number(each)))];
}

function ticksOf(pid: number): number {
  const fields = fieldsOf(`/proc/${pid}/stat`);
  return Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
}

/** What the kernel says of a process or thread, from behind its name on. */
function fieldsOf(path: string): readonly string[] {
  return read(path)
    .replace(/^.*\) /, '')
    .split(' ');
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
