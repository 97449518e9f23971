import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

/** The hardening that docs/operations.md gives `docker run`. */
const HARDENED = [
  ...['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'],
  ...['--pids-limit', '64', '--memory', '256m', '--ulimit', 'core=0'],
];
const LONGEST_START_MS = 60_000;

export interface ContainerOptions {
  readonly image: string;
  /** On the host; it becomes /var/lib/binance-proxy. */
  readonly state: string;
  readonly env: Readonly<Record<string, string>>;
  /** Answers 200 once the proxy is ready. */
  readonly readyUrl: string;
}

/** A proxy in a container that shares the network of the engine. */
export class Container {
  static readonly #running = new Set<string>();
  readonly #id: string;
  /** From the call of the engine to the first answer that it is ready, in ms. */
  readonly readyMs: number;

  private constructor(id: string, readyMs: number) {
    this.#id = id;
    this.readyMs = readyMs;
  }

  static async start({ image, state, env, readyUrl }: ContainerOptions): Promise<Container> {
    const variables = Object.entries(env).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
    const begunMs = performance.now();
    const mount = ['-v', `${state}:/var/lib/binance-proxy`];
    const id = docker('run', '-d', '--network', 'host', ...HARDENED, ...mount, ...variables, image);
    Container.#running.add(id);
    while (performance.now() - begunMs < LONGEST_START_MS) {
      if (await isReady(readyUrl)) return new Container(id, performance.now() - begunMs);
      await pause(5);
    }
    throw new Error(`the container was not ready in time: ${docker('logs', '--tail', '5', id)}`);
  }

  /** Whatever is still there after an error. */
  static removeAll(): void {
    for (const id of Container.#running) docker('rm', '-f', id);
  }

  /** Of the process in it, as the host counts. */
  get pid(): number {
    return Number(docker('inspect', '-f', '{{.State.Pid}}', this.#id));
  }

  /** Waits for a record in its log. */
  async record(event: string, longestMs: number): Promise<void> {
    const begunMs = performance.now();
    while (!docker('logs', this.#id).includes(`"${event}"`)) {
      if (performance.now() - begunMs > longestMs) throw new Error(`the log has no ${event} in time`);
      await pause(500);
    }
  }

  stop(): void {
    docker('stop', this.#id);
    const code = docker('inspect', '-f', '{{.State.ExitCode}}', this.#id);
    docker('rm', '-f', this.#id);
    Container.#running.delete(this.#id);
    if (code !== '0') throw new Error(`the container ended with ${code}`);
  }
}

/** Memory of its own (RssAnon), without the pages of files. */
export function ownMbOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}

export function docker(...args: readonly string[]): string {
  return execFileSync('docker', args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 120_000,
  }).trim();
}

async function isReady(url: string): Promise<boolean> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
  await answer?.arrayBuffer();
  return answer?.status === 200;
}
