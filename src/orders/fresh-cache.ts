import type { Client } from '../core/access/client.ts';
import { ProxyError } from '../core/errors.ts';
import type { NowOrLater } from '../core/now-or-later.ts';

export interface FreshCacheOptions<V, K extends string = string> {
  /** Fetches an answer, at the cost of the client that wants it first. */
  readonly load: (key: K, causedBy: Client) => Promise<V>;
  /** Monotonic or wall clock, in ms. */
  readonly now: () => number;
  /** How long an answer may be used, in ms from the moment it was asked for. */
  readonly freshMs: number;
  /** How long a failure is answered again without asking, in ms. */
  readonly failureFreshMs: (error: unknown) => number;
  /** Keys come from callers, so their number is bounded. */
  readonly maxEntries: number;
}

export interface FreshCache<V, K extends string = string> {
  /** The answer for a key, at once where it is known; who asks while it is being fetched waits for the same fetch. */
  get(key: K, causedBy: Client): NowOrLater<V>;
  /** Forgets an answer that is older than `ms`. */
  dropOlderThan(key: K, ms: number): void;
}

interface Slot<V> {
  readonly answer: Promise<V>;
  readonly askedAtMs: number;
  readonly causedBy: Client;
  known: { readonly value: V } | undefined;
  state: 'pending' | 'answered' | 'failed';
  error: unknown;
}

/** A cache of asynchronous answers by key: fresh for a while, one fetch at a time, failures remembered briefly. */
export function createFreshCache<V, K extends string = string>(
  options: FreshCacheOptions<V, K>,
): FreshCache<V, K> {
  const { load, now, freshMs, failureFreshMs, maxEntries } = options;
  const slots = new Map<K, Slot<V>>();

  function usable(slot: Slot<V>, by: Client): boolean {
    if (slot.state === 'pending') return true;
    const ageMs = now() - slot.askedAtMs;
    if (slot.state === 'answered') return ageMs < freshMs;
    return !isAnothersOwn(slot, by) && ageMs < failureFreshMs(slot.error);
  }

  /** What failed goes first: a caller that asks for nonsense takes nobody's answers away. */
  function makeRoom(): void {
    if (slots.size < maxEntries) return;
    for (const [key, { state }] of slots) {
      if (state === 'failed') {
        slots.delete(key);
        return;
      }
    }
    for (const oldest of slots.keys()) {
      if (slots.size < maxEntries) return;
      slots.delete(oldest);
    }
  }

  function slotFor(key: K, causedBy: Client): Slot<V> {
    const known = slots.get(key);
    if (known !== undefined && usable(known, causedBy)) return known;
    slots.delete(key);
    makeRoom();
    const answer = load(key, causedBy);
    const unknown = { known: undefined, error: undefined };
    const slot: Slot<V> = { answer, askedAtMs: now(), causedBy, state: 'pending', ...unknown };
    slots.set(key, slot);
    answer.then(
      (value) => {
        slot.known = { value };
        slot.state = 'answered';
      },
      (error: unknown) => {
        slot.state = 'failed';
        slot.error = error;
      },
    );
    return slot;
  }

  async function wait(slot: Slot<V>, key: K, causedBy: Client): Promise<V> {
    for (let asked = slot; ; asked = slotFor(key, causedBy)) {
      try {
        return await asked.answer;
      } catch (error) {
        // Who only waited for another one's question asks by itself.
        if (!isAnothersOwn(asked, causedBy)) throw error;
      }
    }
  }

  return {
    get(key, causedBy) {
      const slot = slotFor(key, causedBy);
      return slot.known === undefined ? wait(slot, key, causedBy) : slot.known.value;
    },
    dropOlderThan(key, ms) {
      const slot = slots.get(key);
      if (slot === undefined || slot.state === 'pending') return;
      if (now() - slot.askedAtMs >= ms) slots.delete(key);
    },
  };
}

/** A refusal of the proxy's own (no room in the client's share) says something of who asked, and of nobody else. */
function isAnothersOwn<V>({ error, causedBy }: Slot<V>, by: Client): boolean {
  return error instanceof ProxyError && causedBy.name !== by.name;
}
