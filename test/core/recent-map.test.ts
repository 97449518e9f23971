import { describe, expect, it } from 'vitest';
import { RecentMap } from '../../src/core/recent-map.ts';

describe('a map of what was set last', () => {
  it('It keeps the last ones, and forgets what is older than twice as many', () => {
    const map = new RecentMap<number, string>(10);
    for (let key = 0; key < 100; key++) {
      map.set(key, `v${key}`);
      for (let before = Math.max(0, key - 9); before <= key; before++)
        expect(map.get(before)).toBe(`v${before}`);
    }
    expect(map.has(79)).toBe(false);
    expect(map.get(0)).toBeUndefined();
    expect([...map.values()].length).toBeLessThanOrEqual(20);
  });

  it('What is set anew counts once, with its last value, and is young again', () => {
    const map = new RecentMap<string, number>(3);
    map.set('a', 1);
    map.set('b', 2);
    map.set('c', 3);
    map.set('a', 4);
    map.set('d', 5);
    expect([...map.values()].sort()).toEqual([2, 3, 4, 5]);
    map.set('e', 6);
    expect(map.get('a')).toBe(4);
    expect(map.get('b')).toBeUndefined();
  });
});
