import { readCall } from '../../src/core/call/call.ts';
import { shareable } from '../../src/shared-data/shareable.ts';
import { SharedData } from '../../src/shared-data/shared-data.ts';
import { Exchange } from '../../src/simulator/exchange/exchange.ts';
import { type Candle, candles } from '../../src/simulator/spot/candles.ts';
import { catalogueEndpoint } from '../support/fixtures/catalogue-endpoints.ts';
import { ALICE } from '../support/servers/running-simulator.ts';

export const CANDLE_MS = 60_000;
const FIRST_CLOSE_MS = Date.UTC(2026, 10, 1);
const PAIRS = ['BTCUSDT', 'ETHUSDT', 'BNBUSDT'];
const BOTS = 6;
const ENDPOINT = catalogueEndpoint('GET', '/api/v3/klines');
/** How far a reading of Binance's clock may be wrong. */
const ERROR_MS = 120;

export interface Pattern {
  /** How many closes there are. */
  readonly closes: number;
  readonly keep: boolean;
  /** When a bot asks, from the close on, in ms. */
  readonly asks: readonly [from: number, to: number];
  /** How often a bot asks for a pair at each close. */
  readonly times: number;
  /** How long a request is on its way to Binance, and an answer back, in ms. */
  readonly up: readonly [from: number, to: number];
  readonly down: readonly [from: number, to: number];
}

/** What one bot got, and what it would have got by itself. */
export interface Got {
  readonly how: 'leading' | 'joined' | 'kept';
  readonly close: number;
  readonly askedMs: number;
  /** When the exchange made the answer. */
  readonly madeMs: number;
  readonly sentMs: number;
  readonly rows: readonly Candle[];
  readonly direct: readonly Candle[];
}

interface Event {
  readonly atMs: number;
  readonly run: () => void;
}

/** Plays six bots that ask for the candles of all their pairs around each close; every time in it is made up. */
export function playCloses(pattern: Pattern, seed: number): readonly Got[] {
  const draw = drawFrom(seed);
  const between = ([from, to]: readonly [number, number]) => from + Math.floor(draw() * (to - from + 1));
  const exchange = new Exchange({ accounts: [ALICE] });
  const truth = (pair: string, nowMs: number) =>
    candles(
      exchange.spot.market(pair),
      '1m',
      { startMs: undefined, endMs: undefined, limit: 3 },
      nowMs,
      (timeMs) => Math.floor((timeMs - FIRST_CLOSE_MS) / 1_000),
    );
  let nowMs = FIRST_CLOSE_MS;
  let wrongMs = 0;
  let count = 0;
  const events: Event[] = [];
  const got: Got[] = [];
  const shared = new SharedData<string>({
    joinableMs: 1_000,
    now: () => ({ monotonicMs: nowMs, wallMs: nowMs, server: { nowMs: nowMs + wrongMs, errorMs: ERROR_MS } }),
  });
  const made = new Map<string, { readonly madeMs: number; readonly sentMs: number; rows: Candle[] }>();

  function ask(pair: string, close: number): void {
    const askedMs = nowMs;
    const target = `/api/v3/klines?interval=1m&limit=1000&symbol=${pair}`;
    const asked = shareable(ENDPOINT, readCall('GET', target, Buffer.alloc(0)), {}, nowMs + wrongMs);
    if (asked === undefined) throw new Error('a call of freqtrade that is not shareable');
    const direct = truth(pair, askedMs + between(pattern.up));
    const id = `call ${++count}`;
    const found = shared.ask(asked, id, { merge: true, keep: pattern.keep });
    const note = (of: string) => {
      const one = made.get(of);
      if (one !== undefined) got.push({ how: found.kind, close, askedMs, direct, ...one });
    };
    if (found.kind === 'kept') {
      note(found.answer.body.toString().slice(2, -2));
      return;
    }
    const { call } = found;
    call.join({
      takenBytes: 0,
      cut: () => {},
      more: () => {
        if (call.state === 'ended') note(call.result ?? '');
      },
    });
    if (found.kind === 'joined') return;
    call.start(() => {});
    const upMs = between(pattern.up);
    at(nowMs + upMs, () => made.set(id, { madeMs: nowMs, sentMs: askedMs, rows: truth(pair, nowMs) }));
    at(nowMs + upMs + between(pattern.down), () => {
      call.begin(200, { 'content-type': 'application/json' });
      call.take(Buffer.from(`["${id}"]`));
      call.end(id, true);
    });
  }

  function at(atMs: number, run: () => void): void {
    const place = events.findLastIndex((event) => event.atMs <= atMs);
    events.splice(place + 1, 0, { atMs, run });
  }

  for (let close = 1; close <= pattern.closes; close++) {
    const closeMs = FIRST_CLOSE_MS + close * CANDLE_MS;
    at(closeMs - CANDLE_MS / 2, () => {
      wrongMs = between([-ERROR_MS, ERROR_MS]);
    });
    for (let bot = 0; bot < BOTS; bot++)
      for (let time = 0; time < pattern.times; time++) {
        const askMs = closeMs + between(pattern.asks);
        for (const pair of PAIRS) at(askMs, () => ask(pair, close));
      }
    for (let event = events.shift(); event !== undefined; event = events.shift()) {
      nowMs = Math.max(nowMs, event.atMs);
      event.run();
    }
  }
  return got;
}

/** How many answers there should be in all. */
export function asksOf({ closes, times }: Pattern): number {
  return closes * times * BOTS * PAIRS.length;
}

/** How many pairs are asked for at each close. */
export const PAIRS_ASKED = PAIRS.length;

/** Numbers from 0 to 1, always the same ones for a seed. */
function drawFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let hash = Math.imul(state ^ (state >>> 15), state | 1);
    hash ^= hash + Math.imul(hash ^ (hash >>> 7), hash | 61);
    return ((hash ^ (hash >>> 14)) >>> 0) / 2 ** 32;
  };
}
