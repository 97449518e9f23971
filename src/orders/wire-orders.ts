import { mkdirSync } from 'node:fs';
import { FolderLock, STATE_LOCK } from '../audit/folder-lock.ts';
import { folderTrouble } from '../audit/folder-trouble.ts';
import { assertOwnFolder } from '../audit/own-files.ts';
import { ConfigError } from '../config/problems/config-error.ts';
import type { Settings } from '../config/schema/settings.ts';
import type { Client } from '../core/access/client.ts';
import { ProxyError } from '../core/errors.ts';
import type { DayUse } from '../core/orders/rolling-day.ts';
import type { AuditRecord } from '../core/records/record.ts';
import type { UpstreamName } from '../core/upstream.ts';
import type { NotionalLedger } from './day-ledger.ts';
import { createFileNotionalLedger } from './file-ledger.ts';
import { type OnRefusalStreak, RefusalStop } from './limits/refusal-stop.ts';
import { createMemoryNotionalLedger } from './memory-ledger.ts';
import { createOrderLimits, type OrderLimits, type OrderLimitsOptions } from './order-limits.ts';
import type { AskUpstream } from './order-lookup.ts';
import { createPriceBook, type PriceBook } from './price-book.ts';
import { toUnknownCall } from './recorded-call.ts';
import { OrderResolver, type OrderResolverOptions } from './resolver.ts';
import { OpenLimit } from './resting/open-limit.ts';
import { RealisedResults } from './resting/realised-results.ts';
import { RestingOrders } from './resting/resting-orders.ts';

export interface OrdersDeps {
  /** Text of one public answer, asked for because of a client; rejects for everything but an answer of status 200. */
  readonly fetchPublic: (upstream: UpstreamName, target: string, causedBy: Client) => Promise<string>;
  readonly ask: AskUpstream;
  readonly onReport: OrderLimitsOptions['onReport'];
  readonly onResolved: OrderResolverOptions['onResolved'];
  readonly onRefusalStreak: OnRefusalStreak;
  readonly onOverdue: NonNullable<OrderResolverOptions['onOverdue']>;
  readonly monotonicNow: () => number;
  readonly wallNow: () => number;
  /** Pauses of the resolver in ms; undefined takes its own. */
  readonly pausesMs: readonly number[] | undefined;
}

export interface Orders {
  readonly limits: OrderLimits;
  readonly openLimit: OpenLimit;
  /** What rests, as far as anybody watches. */
  readonly resting: RestingOrders;
  readonly realised: RealisedResults;
  readonly refusalStop: RefusalStop;
  readonly resolver: OrderResolver;
  readonly priceBook: PriceBook;
  /** Takes up the orders that an earlier run left open: their `call.signed` records. */
  resume(records: readonly AuditRecord[]): void;
  /** What a client's orders of the last 24 h come to. */
  dayUse(client: string): DayUse;
  /** Lets go of the state folder. */
  close(): void;
}

/** What judges orders before they are sent, and what asks for them when their answer was lost. */
export function wireOrders(settings: Settings, deps: OrdersDeps): Orders {
  const { fetchPublic, ask, onReport, onResolved, onOverdue, monotonicNow, wallNow, pausesMs } = deps;
  const priceBook = createPriceBook({
    fetchJson: async (upstream, target, causedBy) =>
      JSON.parse(await fetchPublic(upstream, target, causedBy)) as unknown,
    now: monotonicNow,
  });
  const resolver = new OrderResolver({
    ask,
    onResolved,
    onOverdue,
    now: wallNow,
    ...(pausesMs === undefined ? {} : { pausesMs }),
  });
  const { ledger, close } = openLedger(settings, wallNow());
  const limits = createOrderLimits({ priceBook, ledger, onReport, monotonicNow });
  const resting = new RestingOrders();
  return {
    limits,
    resting,
    openLimit: new OpenLimit(resting, onReport, monotonicNow),
    realised: new RealisedResults(),
    refusalStop: new RefusalStop(deps.onRefusalStreak),
    resolver,
    priceBook,
    close,
    dayUse: (client) => ledger.sums(client, wallNow()),
    resume(records) {
      const calls = records.flatMap((record) => toUnknownCall(record) ?? []);
      // Without its key an order cannot be asked for; it stays open in the audit until the account is back.
      resolver.restore(calls.filter(({ account }) => settings.accounts.has(account)));
    },
  };
}

interface OpenLedger {
  readonly ledger: NotionalLedger;
  close(): void;
}

/** @throws ConfigError when the state folder cannot be used, or another process uses it */
function openLedger({ stateDir }: Settings, nowMs: number): OpenLedger {
  if (stateDir === undefined) return { ledger: createMemoryNotionalLedger(), close() {} };
  let lock: FolderLock | undefined;
  try {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    assertOwnFolder(stateDir, 'state folder');
    lock = new FolderLock(stateDir, STATE_LOCK);
    const ledger = createFileNotionalLedger(stateDir, nowMs);
    return {
      ledger,
      close() {
        ledger.close();
        lock?.close();
      },
    };
  } catch (error) {
    lock?.close();
    const source = 'BINANCE_PROXY_STATE_DIR';
    const named = { folder: stateDir, what: 'state folder', variable: source };
    const message = isOfSystem(error)
      ? folderTrouble(named, error)
      : error instanceof ProxyError
        ? error.message
        : `The state folder ${stateDir} cannot be used: ${(error as Error).message}.`;
    throw new ConfigError([{ message, source }], { cause: error });
  }
}

/** True for an error with the code of a failed call of the system, or of a path that is not safe. */
function isOfSystem(error: unknown): boolean {
  return !(error instanceof ProxyError) && error instanceof Error && 'code' in error;
}
