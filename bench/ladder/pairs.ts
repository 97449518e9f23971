import { setTimeout as pause } from 'node:timers/promises';
import type { Target } from '../support/peer-programs.ts';
import { cpuMs, memoryMb } from '../support/programs.ts';
import { type ProxyOptions, startProxy } from '../support/proxy.ts';
import { median } from '../support/tables.ts';
import { CLIENT_KEY } from '../support/workshop.ts';
import { undisturbed } from './others.ts';
import { load, type Sample } from './rounds.ts';

/** One of two proxies that differ in one thing. */
export interface SideOptions extends Omit<ProxyOptions, 'upstream'> {
  readonly clientKey?: string;
  /** What happens before it is loaded; the returned function ends it. */
  readonly prepare?: (target: Target) => Promise<() => void>;
}

export interface Side {
  readonly rps: number;
  readonly cpuMicros: number;
  readonly p50: number;
  readonly p99: number;
  readonly rssMb: number;
  /** CPU from the start of the process until it has nothing more to do. */
  readonly startCpuMs: number;
  readonly errors: number;
}

export interface Pair {
  readonly first: Side;
  readonly last: Side;
  /** Throughput of the last against the first, of the same round. */
  readonly ratio: number;
  readonly foreign: readonly number[];
}

interface Running {
  readonly target: Target;
  readonly key: string;
  readonly startCpuMs: number;
  readonly end: () => void;
  readonly closed: Sample[];
  readonly open: Sample[];
}

const ROUNDS = 3;
const LOOK_MS = 250;
const MOST_LOOKS = 120;

/** Two proxies in turns on the same core: what disturbs the machine meets both. */
export async function comparePair(
  lg: string,
  folder: string,
  upstream: { readonly plain: string; readonly pids: readonly number[] },
  sides: readonly [SideOptions, SideOptions],
  method: 'GET' | 'POST',
): Promise<Pair> {
  const running: Running[] = [];
  const loaded = (side: Running, shape: Pick<Parameters<typeof load>[2], 'loop' | 'level' | 'seconds'>) =>
    undisturbed(() => load(lg, side.target, { ...shape, method }, upstream.pids, side.key), 2);
  try {
    for (const { clientKey, prepare, ...options } of sides) {
      const target = await startProxy(folder, { upstream: upstream.plain, ...options });
      const startCpuMs = await untilIdle(target.program?.pid ?? 0);
      const end = (await prepare?.(target)) ?? (() => {});
      running.push({ target, key: clientKey ?? CLIENT_KEY, startCpuMs, end, closed: [], open: [] });
    }
    for (const side of running) {
      await load(
        lg,
        side.target,
        { loop: 'closed', level: 16, method, seconds: 1.5 },
        upstream.pids,
        side.key,
      );
    }
    for (let round = 0; round < ROUNDS; round++) {
      const turns = round % 2 === 0 ? running : running.toReversed();
      for (const side of turns) {
        side.closed.push(await loaded(side, { loop: 'closed', level: 16, seconds: 0.8 }));
      }
      for (const side of turns) {
        side.open.push(await loaded(side, { loop: 'open', level: 500, seconds: 1.2 }));
      }
    }
    const [first, last] = running.map(toSide);
    if (first === undefined || last === undefined) throw new Error('a pair of one');
    const ratios = running[1]?.closed.map(({ rps }, round) => rps / (running[0]?.closed[round]?.rps ?? 0));
    const foreign = running.flatMap(({ closed, open }) => [...closed, ...open].map((each) => each.foreign));
    return { first, last, ratio: median(ratios ?? []) ?? Number.NaN, foreign };
  } finally {
    for (const { target, end } of running) {
      end();
      await target.program?.stop();
    }
  }
}

function toSide({ target, startCpuMs, closed, open }: Running): Side {
  const of = (samples: readonly Sample[], figure: (sample: Sample) => number | undefined) =>
    median(samples.map(figure).filter((each) => each !== undefined)) ?? Number.NaN;
  return {
    rps: of(closed, ({ rps }) => rps),
    cpuMicros: of(closed, ({ cpuMicros }) => cpuMicros),
    p50: of(open, ({ p50 }) => p50),
    p99: of(open, ({ p99 }) => p99),
    rssMb: memoryMb(target.program?.pid ?? 0).rss,
    startCpuMs,
    errors: [...closed, ...open].reduce((sum, { errors }) => sum + errors, 0),
  };
}

/** CPU until it rests: what is read after the start counts, too. */
async function untilIdle(pid: number): Promise<number> {
  let before = cpuMs(pid);
  for (let look = 0; look < MOST_LOOKS; look++) {
    await pause(LOOK_MS);
    const now = cpuMs(pid);
    if (now - before < LOOK_MS * 0.1) return now;
    before = now;
  }
  return before;
}
