import {
  FALLBACK_LIMITS,
  mergeLimits,
  type RateLimit,
  readRateLimits,
} from '../core/budget/binance-limits.ts';
import { pauseAfter } from '../core/errors.ts';
import { DAY_MS, MINUTE_MS } from '../core/intervals.ts';
import type { UpstreamName } from '../core/upstream.ts';
import { repeat } from './repeat.ts';

/** Where each family states its limits; portfolio margin and the web's data state none. */
const EXCHANGE_INFO_PATHS: Readonly<Partial<Record<UpstreamName, string>>> = {
  // The limits stand in every answer; without a symbol this one is megabytes.
  spot: '/api/v3/exchangeInfo?symbol=BTCUSDT',
  usdm: '/fapi/v1/exchangeInfo',
  coinm: '/dapi/v1/exchangeInfo',
  options: '/eapi/v1/exchangeInfo',
};

export interface LimitsReaderOptions {
  /** The upstreams that have an address. */
  readonly upstreams: readonly UpstreamName[];
  /** One GET of an exchangeInfo: charged, sent, its body as text; rejects for everything but an answer of status 200. */
  readonly fetchExchangeInfo: (upstream: UpstreamName, path: string) => Promise<string>;
  readonly setLimits: (upstream: UpstreamName, limits: readonly RateLimit[]) => void;
  readonly onFailure?: (upstream: UpstreamName, error: unknown) => void;
  /** Time between two readings in ms; one day unless told. */
  readonly refreshMs?: number;
  /** Time until a failed reading is tried again in ms; five minutes unless told. */
  readonly retryMs?: number;
}

export interface LimitsReader {
  /** Reads all families once, then daily. What cannot be read keeps the limits that it has. Never rejects. */
  start(): Promise<void>;
  stop(): void;
}

const RETRY_MS = 5 * MINUTE_MS;

/** Keeps the budgets' limits as Binance states them. */
export function createLimitsReader(options: LimitsReaderOptions): LimitsReader {
  const { upstreams, fetchExchangeInfo, setLimits } = options;
  const readings = upstreams.flatMap((upstream) => {
    const path = EXCHANGE_INFO_PATHS[upstream];
    if (path === undefined) return [];
    const readAgain = () => read(upstream, path);
    const reading = repeat(readAgain);
    return { start: async () => reading.start(await readAgain()), stop: () => reading.stop() };
  });
  let isStopped = false;

  /** Returns the pause until the next reading. */
  async function read(upstream: UpstreamName, path: string): Promise<number> {
    try {
      const limits = readRateLimits(JSON.parse(await fetchExchangeInfo(upstream, path)));
      if (limits === undefined) throw new Error('the exchangeInfo states no limits');
      if (!isStopped) setLimits(upstream, mergeLimits(FALLBACK_LIMITS[upstream], limits));
      return options.refreshMs ?? DAY_MS;
    } catch (error) {
      options.onFailure?.(upstream, error);
      // A budget that is used up by what the program itself holds refuses the question as well: its window ends sooner.
      return pauseAfter(error, options.retryMs ?? RETRY_MS, RETRY_MS);
    }
  }

  return {
    async start() {
      await Promise.all(readings.map((each) => each.start()));
    },
    stop() {
      isStopped = true;
      for (const each of readings) each.stop();
    },
  };
}
