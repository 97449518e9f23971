import type { Dispatcher } from 'undici';
import type { BudgetState } from '../../budgets/budgets.ts';
import { poolOf } from '../../core/budget/shared-pool.ts';
import type { UpstreamName } from '../../core/upstream.ts';
import { PINGS } from '../pings.ts';
import { repeat } from '../repeat.ts';
import { DEFAULT_TIMEOUTS } from '../timeouts.ts';
import type { OriginPool } from './pool.ts';

/** Above this part of a limit the room is left to apps, whose own calls then keep connections open. */
const ROOMY = 0.5;
/** The pause between two rounds varies down to this part, so that proxies that started together drift apart. */
const SHORTEST_PART = 0.8;

export interface KeepWarmOptions {
  /** The pool that the next call takes; undefined for an upstream without an address. */
  readonly pool: (upstream: UpstreamName) => Pick<OriginPool, 'refresh'> | undefined;
  /** One GET over this connection, charged like any other; rejects when it could not be made. */
  readonly ask: (upstream: UpstreamName, target: string, connection: Dispatcher) => Promise<unknown>;
  readonly budgetState: () => BudgetState;
  /** How long a connection may be idle, in ms; less than it stays open. */
  readonly refreshMs?: number;
}

export interface KeepWarm {
  start(): void;
  stop(): void;
}

/**
 * Keeps connections to Binance open between rare calls: of each upstream the one that the next call takes, and the spare.
 * It begins with what others have opened: the clock and the reading of the limits at the start, or a first call.
 */
export function createKeepWarm(options: KeepWarmOptions): KeepWarm {
  const { pool, ask, budgetState, refreshMs = DEFAULT_TIMEOUTS.refreshConnectionMs } = options;
  const refreshing = Object.entries(PINGS).map(([upstream, target]) =>
    repeat(async () => {
      await refresh(upstream as UpstreamName, target);
      return pauseMs();
    }),
  );
  let isStopped = false;

  function mayAsk(upstream: UpstreamName): boolean {
    const { frozen, buckets } = budgetState();
    return (
      !isStopped &&
      !frozen.some((freeze) => freeze.upstream === upstream && freeze.egress === undefined) &&
      !buckets.some(
        (bucket) => bucket.upstream === poolOf(upstream) && bucket.egress === undefined && isTight(bucket),
      )
    );
  }

  async function refresh(upstream: UpstreamName, target: string): Promise<void> {
    await pool(upstream)?.refresh(async (connection) => {
      // No room after all, or it broke: there is nobody to tell, and the next call opens another.
      if (mayAsk(upstream)) await ask(upstream, target, connection).catch(() => undefined);
    });
  }

  function pauseMs(): number {
    return refreshMs * (SHORTEST_PART + (1 - SHORTEST_PART) * Math.random());
  }

  return {
    start() {
      for (const each of refreshing) each.start(pauseMs());
    },
    stop() {
      isStopped = true;
      for (const each of refreshing) each.stop();
    },
  };
}

function isTight({ scope, kind, used, limit }: BudgetState['buckets'][number]): boolean {
  return scope === 'ip' && (kind === 'weight' || kind === 'raw') && used > limit * ROOMY;
}
