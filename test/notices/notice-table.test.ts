import { describe, expect, it } from 'vitest';
import { noticeOf, type TrailLine } from '../../src/notices/notice-table.ts';

const TIME = '2026-11-30T00:00:00.000Z';
const AT_MS = Date.parse(TIME);
const line = (event: string, more: Partial<TrailLine> = {}): TrailLine => ({
  ...{ time: TIME, level: 40, event, seq: 7, ...more },
});

describe('which records become notices', () => {
  it.each<readonly [string, TrailLine, string | undefined]>([
    ['a key that may too much', line('preflight.failed', { msg: 'Turn it off.' }), 'Turn it off.'],
    [
      'a freeze of a minute',
      line('upstream.frozen', { detail: { upstream: 'spot', untilMs: AT_MS + 60_000, status: 418 } }),
      'Calls to spot are refused until 2026-11-30T00:01:00.000Z, after an answer with status 418.',
    ],
    [
      'a shorter freeze',
      line('upstream.frozen', { detail: { upstream: 'spot', untilMs: AT_MS + 59_999, status: 429 } }),
      undefined,
    ],
    [
      'a freeze of orders',
      line('upstream.frozen', { detail: { account: 'main', untilMs: AT_MS + 86_400_000, status: 429 } }),
      'Orders are refused until 2026-12-01T00:00:00.000Z, after an answer with status 429.',
    ],
    [
      'records that cannot be stored',
      line('audit.failed', { detail: { code: 'ENOSPC' } }),
      'The audit file cannot be written (ENOSPC): nothing is signed.',
    ],
    [
      'an order that nobody knows of',
      line('call.unresolved', { clientOrderId: ['a', 'b'], detail: { asked: 7 } }),
      'What became of a, b is not known after 7 questions: look at Binance.',
    ],
    ['an order that was found', line('call.resolved', { detail: { resolution: 'filled' } }), undefined],
    ['a state', line('state.changed', { msg: 'Too risky.', detail: { state: 'halt' } }), 'Too risky.'],
    [
      'an approval',
      line('approval.asked', {
        msg: 'BUY 1 BTCUSDT',
        approval: { id: 'x', digest: 'd', pairs: [['a', 'b']] },
      }),
      'BUY 1 BTCUSDT',
    ],
    ['an order', line('call.signed'), undefined],
    ['a name of every object', line('constructor'), undefined],
  ])('%s', (_, record, text) => {
    expect(noticeOf(record)?.text).toBe(text);
  });

  it('An approval is told with its id and digest, without the lists of its record', () => {
    const approval = { id: 'a7f3', digest: 'd1', decideUntil: TIME, pairs: [['symbol', 'BTCUSDT']] };
    expect(noticeOf(line('approval.asked', { client: 'bot', approval }))).toMatchObject({
      client: 'bot',
      detail: { id: 'a7f3', digest: 'd1', decideUntil: TIME },
    });
    expect(noticeOf(line('approval.asked', { approval }))?.detail).not.toHaveProperty('pairs');
  });

  it('A state that was left, and orders from the exchange, matter less', () => {
    const of = (record: TrailLine) => noticeOf(record)?.severity;
    expect([of(line('state.changed')), of(line('state.changed', { level: 30 }))]).toEqual([
      'warning',
      'info',
    ]);
    const foreign = (origin: string) => line('order.foreign', { detail: { origin } });
    expect([of(foreign('foreign')), of(foreign('exchange'))]).toEqual(['critical', 'info']);
  });
});
