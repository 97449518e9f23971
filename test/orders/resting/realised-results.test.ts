import { expect, it } from 'vitest';
import { RealisedResults, readResult } from '../../../src/orders/resting/realised-results.ts';

const DAY_MS = 86_400_000;
const NOON_MS = Date.UTC(2026, 0, 5, 12);

function fill(key: string, amount: string, atMs = NOON_MS, asset = 'USDT') {
  return { client: 'bot', key, asset, amount: readResult(amount)!, atMs };
}

it('Adds exactly, each fill once, by client, asset and day of UTC', () => {
  const results = new RealisedResults();
  for (const [index, amount] of ['0.1', '0.2', '-0.05', '12345678901234567890.00000001'].entries())
    results.note(fill(`t-${index}`, amount));
  results.note(fill('t-0', '0.1'));
  results.note(fill('t-9', '-0.00000001', NOON_MS, 'BTC'));
  results.note({ ...fill('t-10', '7'), client: 'other' });
  expect(results.of('bot', NOON_MS)).toEqual({ USDT: '12345678901234567890.25000001', BTC: '-0.00000001' });
  expect(results.of('other', NOON_MS)).toEqual({ USDT: '7' });
  expect(results.of('nobody', NOON_MS)).toEqual({});
});

it('A fill of yesterday that is told late is no result of today, and old days are let go', () => {
  const results = new RealisedResults();
  results.note(fill('a', '1', NOON_MS + DAY_MS));
  results.note(fill('b', '2', NOON_MS));
  expect([results.of('bot', NOON_MS), results.of('bot', NOON_MS + DAY_MS)]).toEqual([
    { USDT: '2' },
    { USDT: '1' },
  ]);
  results.note(fill('c', '4', NOON_MS + 2 * DAY_MS));
  expect(results.of('bot', NOON_MS)).toEqual({});
});

it('Reads signed plain decimals and nothing else', () => {
  expect(['0', '-1.50', '2'].map((text) => readResult(text)?.toFixed())).toEqual(['0', '-1.5', '2']);
  expect(['', '+1', '1e3', 'NaN', ' 1', '1.', '--1'].map(readResult)).toEqual(Array(7).fill(undefined));
});
