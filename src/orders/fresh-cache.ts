export interface FreshCacheOptions<V, K extends string = string> {
  readonly load: (key: K) => Promise<V>;
  /** Monotonic or wall clock, in ms. */
  readonly now: () => number;
  /** How long an answer may be used, in ms from the moment it was asked for. */
  readonly freshMs: number;
  /** How long a failure is answered again without asking, in ms. */
  readonly failureFreshMs: number;
  /** Keys come from callers, so their number is bounded. */
  readonly maxEntries: number;
}

export interface FreshCache<V, K extends string = string> {
  /** The answer for a key; who asks while it is being fetched waits for the same fetch. */
  get(key: K): Promise<V>;
  /** Forgets an answer that is older than `ms`. */
  dropOlderThan(key: K, ms: number): void;
}

interface Slot<V> {
  readonly answer: Promise<V>;
  readonly askedAtMs: number;
  state: 'pending' | 'answered' | 'failed';
}

/** A cache of asynchronous answers by key: fresh for a while, one fetch at a time, failures remembered briefly. */
export function createFreshCache<V, K extends string = string>(
  options: FreshCacheOptions<V, K>,
): FreshCache<V, K> {
  const { load, now, freshMs, failureFreshMs, maxEntries } = options;
  const slots = new Map<K, Slot<V>>();

  function usable(slot: Slot<V>): boolean {
    if (slot.state === 'pending') return true;
    return now() - slot.askedAtMs < (slot.state === 'answered' ? freshMs : failureFreshMs);
  }

  return {
    get(key) {
      const known = slots.get(key);
      if (known !== undefined && usable(known)) return known.answer;
      slots.delete(key);
      for (const oldest of slots.keys()) {
        if (slots.size < maxEntries) break;
        slots.delete(oldest);
      }
      const slot: Slot<V> = { answer: load(key), askedAtMs: now(), state: 'pending' };
      slots.set(key, slot);
      slot.answer.then(
        () => {
          slot.state = 'answered';
        },
        () => {
          slot.state = 'failed';
        },
      );
      return slot.answer;
    },
    dropOlderThan(key, ms) {
      const slot = slots.get(key);
      if (slot === undefined || slot.state === 'pending') return;
      if (now() - slot.askedAtMs >= ms) slots.delete(key);
    },
  };
}
