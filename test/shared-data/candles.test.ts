import { describe, expect, it } from 'vitest';
import { portion, SEED } from '../support/properties.ts';
import { asksOf, CANDLE_MS, type Got, PAIRS_ASKED, type Pattern, playCloses } from './candle-simulation.ts';

/** Freqtrade asks a second after the close, every bot by its own clock. */
const FREQTRADE: Pattern = {
  closes: 1_000,
  keep: false,
  asks: [1_000, 1_060],
  times: 1,
  up: [40, 300],
  down: [40, 500],
};
/** Whoever asks at any moment around a close, over a line that stumbles. */
const ANYWHEN: Pattern = { ...FREQTRADE, keep: true, asks: [-3_000, 5_000], times: 4, up: [5, 900] };

/** Candles that differ from those of a call of one's own although they had closed there. */
function olderThanDirect({ how, rows, direct }: Got): boolean {
  if (how === 'leading') return false;
  const newest = rows.at(-1)?.openMs ?? 0;
  if (newest < (direct.at(-1)?.openMs ?? 0)) return true;
  const closed = new Map(direct.slice(0, -1).map((candle) => [candle.openMs, candle]));
  return rows.some(({ openMs, close, high, low, volume }) => {
    const other = closed.get(openMs);
    if (other === undefined) return false;
    return ![close.eq(other.close), high.eq(other.high), low.eq(other.low), volume.eq(other.volume)].every(
      Boolean,
    );
  });
}

describe('six bots around the close of a candle', () => {
  it('Six freqtrades over 1000 closes cost the weight of one, and none has an older candle than by itself', () => {
    const got = playCloses(FREQTRADE, SEED);
    expect(got).toHaveLength(asksOf(FREQTRADE));
    expect(got.filter(olderThanDirect).slice(0, 2)).toEqual([]);
    const sent = got.filter(({ how }) => how === 'leading');
    expect(sent).toHaveLength(FREQTRADE.closes * PAIRS_ASKED);
    expect(got.filter(({ how }) => how === 'joined')).toHaveLength(5 * sent.length);
  });

  it.each([true, false])('Whenever they ask, none has an older candle than by itself (kept: %s)', (keep) => {
    const pattern = { ...ANYWHEN, keep, closes: portion(1_000, 200) };
    const got = playCloses(pattern, SEED);
    expect(got).toHaveLength(asksOf(pattern));
    expect(got.filter(olderThanDirect).slice(0, 2)).toEqual([]);
    expect(new Set(got.map(({ how }) => how))).toEqual(
      new Set(keep ? ['leading', 'joined', 'kept'] : ['leading', 'joined']),
    );
    for (const { how, askedMs, sentMs } of got)
      if (how !== 'leading') expect(askedMs - sentMs).toBeLessThanOrEqual(1_000);
  });

  it('Nothing is kept that was asked for within two seconds of a close', () => {
    const got = playCloses({ ...ANYWHEN, closes: portion(1_000, 200) }, SEED + 1);
    const kept = got.filter(({ how }) => how === 'kept');
    expect(kept.length).toBeGreaterThan(100);
    expect(kept.filter(({ sentMs }) => sentMs % CANDLE_MS < 2_000)).toEqual([]);
  });
});
