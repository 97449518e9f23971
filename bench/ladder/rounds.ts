import { setTimeout as pause } from 'node:timers/promises';
import type { Target } from '../support/peer-programs.ts';
import { CPU_LOAD, cpuMs, machineBusyMs, output } from '../support/programs.ts';
import { CLIENT_KEY } from '../support/workshop.ts';
import { MOST_FOREIGN } from './others.ts';

/** One kind of load: closed loop with so many connections, or open loop with so many requests a second. */
export interface Shape {
  readonly loop: 'closed' | 'open';
  /** Connections, or requests per second. */
  readonly level: number;
  readonly method: 'GET' | 'POST';
  readonly seconds: number;
}

/** What one run of the load generator showed; latencies in µs. */
export interface Sample {
  readonly rps: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly errors: number;
  /** CPU of the target per request, in µs; undefined for the direct way. */
  readonly cpuMicros: number | undefined;
  /** Share of the machine that others used meanwhile. */
  readonly foreign: number;
}

/** Samples by shape and target, one per round. */
export type Results = Map<Shape, Map<string, Sample[]>>;

export const ORDER =
  'symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=50000.00&newClientOrderId=abcdef0123456789';
const READ = '/api/v3/openOrders?symbol=BTCUSDT';
const OPEN_LOOP_CONNECTIONS = 64;
/** Of each sample, so long is not counted. */
const LEAD_SECONDS = 0.3;
/** What taking samples again may add to the time of all. */
const MOST_EXTRA = 0.3;
const LOOK_MS = 250;
const LONGEST_WAIT_MS = 3_000;
/** Beyond its own duration, so long may a load generator take to end. */
const LONGEST_END_MS = 15_000;
/** Share of one core that may be busy in a calm machine. */
const CALM = 0.3;

const FAILED: Sample = {
  ...{ rps: Number.NaN, p50: Number.NaN, p99: Number.NaN, p999: Number.NaN },
  ...{ errors: 1, cpuMicros: undefined, foreign: 0 },
};

interface LoadReport {
  readonly done: number;
  readonly errors: number;
  readonly non2xx: number;
  readonly rps?: number;
  readonly achieved?: number;
  readonly cpu: number;
  readonly svc: { readonly p50: number; readonly p99: number; readonly p999: number };
}

export interface Ladder {
  readonly shapes: readonly Shape[];
  readonly rounds: number;
  /** How often a sample is taken that others disturbed. */
  readonly tries: number;
  /** Seconds of load on what compiles under load, for each method. */
  readonly warmUpSeconds: number;
  /** What else of ours works meanwhile: the upstream. */
  readonly companions: readonly number[];
}

/**
 * Every round runs every target once for each shape, in an order that rotates from round to round, so that whatever
 * else the machine does meets all of them. A target that fails has a failed sample and goes on.
 */
export async function measureRounds(
  lg: string,
  targets: readonly Target[],
  { shapes, rounds, tries, warmUpSeconds, companions }: Ladder,
  say: (text: string) => void,
): Promise<Results> {
  const results: Results = new Map(
    shapes.map((shape) => [shape, new Map(targets.map(({ name }) => [name, []]))]),
  );
  for (const target of targets) {
    if (!target.needsWarmUp) continue;
    for (const method of ['GET', 'POST'] as const) {
      await load(lg, target, { loop: 'closed', level: 64, method, seconds: warmUpSeconds }, companions);
    }
  }
  const nominalMs = rounds * targets.length * shapes.reduce((sum, { seconds }) => sum + seconds * 1_000, 0);
  const spare: Spare = { tries, ms: nominalMs * MOST_EXTRA };
  for (let round = 0; round < rounds; round++) {
    say(`round ${round + 1} of ${rounds}`);
    for (const shape of shapes) {
      for (let i = 0; i < targets.length; i++) {
        const target = targets[(i + round) % targets.length]!;
        const sample = await calmest(lg, target, shape, companions, spare).catch((error: unknown) => {
          say(`${target.name}, ${labelOf(shape)}: ${error instanceof Error ? error.message : 'failed'}`);
          return FAILED;
        });
        results.get(shape)?.get(target.name)?.push(sample);
      }
    }
  }
  return results;
}

export function labelOf({ loop, level, method }: Shape): string {
  return loop === 'closed'
    ? `${method}, ${level} connection${level === 1 ? '' : 's'}`
    : `${method}, ${level} req/s`;
}

/** What may be spent on taking disturbed samples again: on a machine that is never calm, everything would be. */
interface Spare {
  readonly tries: number;
  ms: number;
}

async function calmest(
  lg: string,
  target: Target,
  shape: Shape,
  companions: readonly number[],
  spare: Spare,
): Promise<Sample> {
  let best = await load(lg, target, shape, companions);
  for (let attempt = 1; attempt < spare.tries && best.foreign > MOST_FOREIGN && spare.ms > 0; attempt++) {
    const startedMs = performance.now();
    await untilCalm();
    const next = await load(lg, target, shape, companions);
    if (next.foreign < best.foreign) best = next;
    spare.ms -= performance.now() - startedMs;
  }
  return best;
}

/** Waits for a quarter of a second in which nobody works, for some seconds at the most. */
async function untilCalm(): Promise<void> {
  for (let waited = 0; waited < LONGEST_WAIT_MS; waited += LOOK_MS) {
    const before = machineBusyMs();
    await pause(LOOK_MS);
    if (machineBusyMs() - before < LOOK_MS * CALM) return;
  }
}

/** Runs one load against a target; what its companions use (the upstream first of all) is not foreign. */
export async function load(
  lg: string,
  { url, program }: Pick<Target, 'url' | 'program'>,
  shape: Shape,
  companions: readonly number[],
  clientKey = CLIENT_KEY,
): Promise<Sample> {
  const path = shape.method === 'GET' ? READ : '/api/v3/order';
  const command = [lg, shape.loop, '-u', url + path, '-k', clientKey, '-d', String(shape.seconds)];
  if (shape.method === 'POST') command.push('-b', ORDER);
  if (shape.loop === 'closed') command.push('-c', String(shape.level), '-w', String(LEAD_SECONDS));
  else
    command.push('-r', String(shape.level), '-c', String(OPEN_LOOP_CONNECTIONS), '-w', String(LEAD_SECONDS));
  const before = {
    own: program ? cpuMs(program.pid) : 0,
    companions: cpuOf(companions),
    all: machineBusyMs(),
    at: performance.now(),
  };
  const report = JSON.parse(
    await output(command, { cpu: CPU_LOAD, timeoutMs: shape.seconds * 1_000 + LONGEST_END_MS }),
  ) as LoadReport;
  const own = (program ? cpuMs(program.pid) : 0) - before.own;
  const foreign =
    machineBusyMs() - before.all - own - (cpuOf(companions) - before.companions) - report.cpu * 1_000;
  // Of a closed loop the warm-up is not among `done`, but its CPU is among the CPU.
  const counted = shape.loop === 'closed' ? shape.seconds / (shape.seconds + LEAD_SECONDS) : 1;
  return {
    rps: report.rps ?? report.achieved ?? 0,
    p50: report.svc.p50,
    p99: report.svc.p99,
    p999: report.svc.p999,
    errors: report.errors + report.non2xx,
    cpuMicros: program === undefined || report.done === 0 ? undefined : (own * 1_000 * counted) / report.done,
    foreign: Math.max(0, foreign) / (performance.now() - before.at),
  };
}

function cpuOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + cpuMs(pid), 0);
}
