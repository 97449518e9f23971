import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Ticker } from '../../src/stops/silence/ticker.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('It ticks from its start on for as long as there is something to look at, and again after the next start', () => {
  let left = 3;
  let ticks = 0;
  const ticker = new Ticker(() => {
    ticks++;
    return --left > 0;
  }, 100);
  vi.advanceTimersByTime(1_000);
  expect([ticks, vi.getTimerCount()]).toEqual([0, 0]);
  ticker.start();
  ticker.start();
  vi.advanceTimersByTime(1_000);
  expect([ticks, ticker.isRunning, vi.getTimerCount()]).toEqual([3, false, 0]);
  left = 2;
  ticker.start();
  vi.advanceTimersByTime(1_000);
  expect([ticks, vi.getTimerCount()]).toEqual([5, 0]);
});

it('Once closed it does not start again', () => {
  const ticker = new Ticker(() => true, 100);
  ticker.start();
  ticker.close();
  ticker.start();
  expect([ticker.isRunning, vi.getTimerCount()]).toEqual([false, 0]);
});
