import { ConfigError } from '../config/problems/config-error.ts';
import type { Settings } from '../config/schema/settings.ts';
import { SECOND_MS } from '../core/intervals.ts';
import type { RestingOrders } from '../orders/resting/resting-orders.ts';
import type { CancelPort } from './cancelling/cancel-round.ts';
import { Cancellations, type CancellationsDeps } from './cancelling/cancellations.ts';
import { KnownOrders } from './known-orders.ts';
import { OrdersOnTheirWay } from './orders-on-their-way.ts';
import type { DeadMan } from './silence/dead-man.ts';
import { wireSilence } from './silence/wire-silence.ts';
import { StateBook } from './state-book.ts';
import { type KeptStates, StateFile } from './state-file.ts';
import { Stops, type StopsDeps } from './stops.ts';
import { type StateEntry, WHOLE_PROXY } from './trading-state.ts';

export interface WireStopsDeps {
  readonly settings: () => Settings;
  readonly ask: CancelPort;
  /** What rests on the accounts that are watched. */
  readonly resting: Pick<RestingOrders, 'find'>;
  readonly wallNow: () => number;
  /** The time of the exchange, ms. */
  readonly serverNow: () => number;
  readonly monotonicNow: () => number;
  /** How long the answer to a change waits for the cancelling, in ms. */
  readonly answerWithinMs: number;
  readonly onChanged: StopsDeps['onChanged'];
  readonly onCancelled: CancellationsDeps['onProgress'];
}

/** Everything that stops orders. */
export interface WiredStops {
  readonly stops: Stops;
  readonly book: StateBook;
  /** Hears of the life of clients. */
  readonly deadMan: DeadMan;
  /** Why the start is stricter than anybody asked for; undefined when the states could be read. */
  readonly warning: string | undefined;
  /** Goes on with what an earlier run was to cancel. */
  resume(): void;
  close(): void;
}

/** Longer than Binance is given for an answer: by then an order that was on its way is known, or will never be. */
const LAST_ORDER_MS = 20 * SECOND_MS;
const NOTHING: KeptStates = { entries: [], work: [], armed: [], beats: [] };

/** @throws ConfigError when the state folder cannot be used */
export async function wireStops(initial: Settings, deps: WireStopsDeps): Promise<WiredStops> {
  const { settings, ask, resting, wallNow, serverNow, answerWithinMs, onChanged, onCancelled } = deps;
  const { stateDir, redisUrl } = initial;
  const book = new StateBook();
  const known = new KnownOrders();
  const onTheirWay = new OrdersOnTheirWay();
  const file = stateDir === undefined ? undefined : openFile(stateDir);
  const found = file?.read() ?? { kind: 'none' };
  const kept = found.kind === 'read' ? found.kept : NOTHING;
  for (const entry of kept.entries) book.take(entry);
  const cancellations = new Cancellations({
    ask,
    settings,
    known,
    resting,
    isSettled: (scope) => onTheirWay.isSettled(scope),
    settled: (scope) => onTheirWay.settled(scope, LAST_ORDER_MS),
    letsOrdersPass: (scope) => book.get(scope)?.state === 'reduce-only',
    serverNow,
    onProgress: onCancelled,
    keep: () => stops.keep(),
  });
  const shared =
    redisUrl === undefined
      ? undefined
      : new (await import('./shared-states.ts')).SharedStates(redisUrl, {
          entries: () => book.entries(),
          onHeard: (entry) => stops.heard(entry),
        });
  const armed = () => silence.deadMan.armed;
  const stops: Stops = new Stops(
    {
      book,
      known,
      cancellations,
      file,
      shared,
      settings,
      wallNow,
      answerWithinMs,
      armed,
      onChanged,
      beats: () => silence.beats,
    },
    onTheirWay,
  );
  const silence = wireSilence(kept, { stops, settings, ask, shared, monotonicNow: deps.monotonicNow });
  const heardNothing = (await shared?.first()) !== true || book.entries().length === 0;
  let warning: string | undefined;
  if (found.kind === 'unreadable' && heardNothing) {
    warning = `The state file ${file?.path} cannot be read (${found.why}), so everything is cancel-only until an operator sets the state of the proxy.`;
    book.floor = strictFloor(wallNow());
  }
  return {
    stops,
    book,
    deadMan: silence.deadMan,
    warning,
    resume() {
      for (const work of kept.work) cancellations.start(work);
    },
    close() {
      silence.close();
      cancellations.close();
      shared?.close();
    },
  };
}

function openFile(stateDir: string): StateFile {
  try {
    return new StateFile(stateDir);
  } catch (error) {
    const message = `The state folder ${stateDir} cannot be used: ${(error as Error).message}.`;
    throw new ConfigError([{ message, source: 'BINANCE_PROXY_STATE_DIR' }], { cause: error });
  }
}

/** What holds while nobody can say which state was set. */
function strictFloor(sinceMs: number): StateEntry {
  return {
    ...WHOLE_PROXY,
    state: 'cancel-only',
    reason: 'the state file cannot be read',
    operator: 'proxy',
    channel: 'start',
    sinceMs,
    revision: 0,
    cancel: 'none',
  };
}
