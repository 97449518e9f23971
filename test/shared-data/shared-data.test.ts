import { describe, expect, it } from 'vitest';
import type { Moment } from '../../src/shared-data/moment.ts';
import type { Shareable } from '../../src/shared-data/shareable.ts';
import type { SharedCall } from '../../src/shared-data/shared-call.ts';
import { SharedData } from '../../src/shared-data/shared-data.ts';

const BOTH = { merge: true, keep: true };
const JSON_TYPE = { 'content-type': 'application/json' };
const MEGABYTE = 1024 * 1024;

const rules = (key: string): Shareable => ({
  key,
  family: 'exchangeInfo',
  mostAgeMs: 60_000,
  candleMs: undefined,
});

/** Shared data on a clock that the test sets. */
function staged(mostBytes?: number) {
  const clock = { monotonicMs: 1_000, wallMs: 1_000 };
  const now = (): Moment => ({ ...clock, server: undefined });
  const shared = new SharedData<string>({
    now,
    joinableMs: 1_000,
    ...(mostBytes === undefined ? {} : { mostBytes }),
  });
  const pass = (ms: number) => {
    clock.monotonicMs += ms;
    clock.wallMs += ms;
  };
  const lead = (asked: Shareable): SharedCall<string> => {
    const found = shared.ask(asked, 'r', BOTH);
    if (found.kind !== 'leading') throw new Error(`${found.kind} where nobody asked before`);
    return found.call;
  };
  const bring = (asked: Shareable, body: Buffer) => {
    const call = lead(asked);
    call.join(new Reading(call));
    call.start(() => {});
    call.begin(200, JSON_TYPE);
    call.take(body);
    call.end('done', true);
  };
  return { shared, clock, pass, lead, bring };
}

/** A taker that takes what it is told to. */
class Reading {
  takenBytes = 0;
  isCut = false;
  readonly chunks: Buffer[] = [];
  readonly #call: SharedCall<string>;
  readonly #isSlow: boolean;
  #index = 0;

  constructor(call: SharedCall<string>, isSlow = false) {
    this.#call = call;
    this.#isSlow = isSlow;
  }

  more(): void {
    if (!this.#isSlow) this.read();
  }

  read(): void {
    for (
      let chunk = this.#call.chunkAt(this.#index);
      chunk !== undefined;
      chunk = this.#call.chunkAt(this.#index)
    ) {
      this.#index++;
      this.takenBytes += chunk.length;
      this.chunks.push(chunk);
    }
  }

  cut(): void {
    this.isCut = true;
    this.#call.leave(this);
  }
}

describe('what is kept', () => {
  it('An answer is kept as long as its family may be old, counted from when its call left', () => {
    const { shared, pass, lead } = staged();
    const call = lead(rules('a'));
    call.join(new Reading(call));
    call.start(() => {});
    pass(2_000);
    call.begin(200, JSON_TYPE);
    call.take(Buffer.from('{"symbols":[]}'));
    call.end('done', true);
    expect(shared.ask(rules('a'), 'r', BOTH)).toMatchObject({ kind: 'kept', ageMs: 2_000 });
    pass(58_000);
    expect(shared.ask(rules('a'), 'r', BOTH)).toMatchObject({ kind: 'kept', ageMs: 60_000 });
    pass(1);
    expect(shared.ask(rules('a'), 'r', BOTH)).toMatchObject({ kind: 'leading' });
  });

  it('Nobody knows how old an answer is after the machine slept', () => {
    const { shared, clock, bring } = staged();
    bring(rules('a'), Buffer.from('{"symbols":[]}'));
    clock.wallMs += 3_600_000;
    expect(shared.ask(rules('a'), 'r', BOTH)).toMatchObject({ kind: 'leading' });
  });

  it('Kept answers never take more than 32 MiB, and those that nobody asked for longest leave first', () => {
    const { shared, bring } = staged();
    const body = Buffer.alloc(3 * MEGABYTE, '[1]');
    for (let count = 0; count < 10; count++) bring(rules(`a${count}`), body);
    expect(shared.ask(rules('a0'), 'r', BOTH).kind).toBe('kept');
    bring(rules('b'), body);
    expect(shared.keptBytes).toBeLessThanOrEqual(32 * MEGABYTE);
    expect(shared.ask(rules('a0'), 'r', BOTH).kind).toBe('kept');
    expect(shared.ask(rules('a1'), 'r', BOTH).kind).toBe('leading');
  });

  it('Ever new keys never take more than the room, however small their answers are', () => {
    const { shared, bring } = staged(64 * 1024);
    for (let count = 0; count < 1_000; count++) bring(rules(`key ${count}`), Buffer.from('{"a":1}'));
    expect(shared.keptBytes).toBeLessThanOrEqual(64 * 1024);
  });

  it('A call that was overtaken does not put its older answer in place of a newer one', () => {
    const { shared, pass, lead, bring } = staged();
    const old = lead(rules('a'));
    old.join(new Reading(old));
    old.start(() => {});
    pass(1_001);
    bring(rules('a'), Buffer.from('{"new":1}'));
    old.begin(200, JSON_TYPE);
    old.take(Buffer.from('{"old":1}'));
    old.end('done', true);
    expect(shared.ask(rules('a'), 'r', BOTH)).toMatchObject({
      kind: 'kept',
      answer: { body: Buffer.from('{"new":1}') },
    });
  });
});

describe('a call that is joined', () => {
  it('A call without an answer is joined for its second, and one that comes in as long as its family may be old', () => {
    const { shared, pass, lead } = staged();
    const asked: Shareable = { ...rules('a'), family: 'depth', mostAgeMs: 100 };
    const call = lead(asked);
    call.join(new Reading(call));
    call.start(() => {});
    pass(1_000);
    expect(shared.ask(asked, 'r', { merge: true, keep: false }).kind).toBe('joined');
    call.begin(200, JSON_TYPE);
    expect(shared.ask(asked, 'r', { merge: true, keep: false }).kind).toBe('leading');
  });

  it('Who joined a call that is not sent after all asks anew, and one of them leads', () => {
    const { shared, lead } = staged();
    const call = lead(rules('a'));
    call.join(new Reading(call));
    expect(shared.ask(rules('a'), 'r', BOTH).kind).toBe('joined');
    let told = '';
    call.join({
      takenBytes: 0,
      cut: () => {},
      more: () => {
        told = call.state;
      },
    });
    call.abandon();
    expect(told).toBe('abandoned');
    expect([1, 2].map(() => shared.ask(rules('a'), 'r', BOTH).kind)).toEqual(['leading', 'joined']);
  });

  it('A call that is not sent within a moment waits for room that others may have: nobody joins it', () => {
    const { shared, pass, lead } = staged();
    lead(rules('a'));
    pass(100);
    expect(shared.ask(rules('a'), 'r', BOTH).kind).toBe('joined');
    pass(1);
    expect(shared.ask(rules('a'), 'r', BOTH).kind).toBe('leading');
  });

  it('A call ends at Binance with its last taker, and not before', () => {
    const { shared, lead } = staged();
    const call = lead(rules('a'));
    const takers = [new Reading(call), new Reading(call)];
    for (const taker of takers) call.join(taker);
    let givenUp = 0;
    call.start(() => givenUp++);
    call.leave(takers[0]!);
    expect(givenUp).toBe(0);
    call.leave(takers[1]!);
    expect(givenUp).toBe(1);
    expect(shared.ask(rules('a'), 'r', BOTH).kind).toBe('leading');
  });

  it('An answer of any length costs a bounded part of the memory, and who falls behind is cut off', () => {
    const { lead } = staged();
    const call = lead(rules('a'));
    const fast = new Reading(call);
    const slow = new Reading(call, true);
    call.join(fast);
    call.join(slow);
    call.start(() => {});
    call.begin(200, JSON_TYPE);
    const piece = Buffer.alloc(64 * 1024, 'x');
    for (let count = 0; count < 640; count++) expect(call.take(piece)).toBe(true);
    expect([fast.takenBytes, slow.isCut]).toEqual([640 * piece.length, true]);
    let held = 0;
    for (let index = 0; index < 640; index++) held += call.chunkAt(index)?.length ?? 0;
    expect(held).toBeLessThanOrEqual(17 * MEGABYTE);
    expect(call.body()).toBeUndefined();
  });

  it('Binance is read no further than the fastest reader, and further when it has read', () => {
    const { lead } = staged();
    const call = lead(rules('a'));
    const slow = new Reading(call, true);
    call.join(slow);
    call.start(() => {});
    call.begin(200, JSON_TYPE);
    const piece = Buffer.alloc(200 * 1024, 'x');
    let goneOn = 0;
    expect(call.take(piece)).toBe(true);
    expect(call.take(piece)).toBe(false);
    call.onceReady(() => goneOn++);
    expect(goneOn).toBe(0);
    slow.read();
    call.progressed();
    expect(goneOn).toBe(1);
  });

  it('All takers have the very same pieces: none is copied', () => {
    const { lead } = staged();
    const call = lead(rules('a'));
    const takers = [new Reading(call), new Reading(call)];
    for (const taker of takers) call.join(taker);
    call.start(() => {});
    call.begin(200, JSON_TYPE);
    const piece = Buffer.from('{"a":1}');
    call.take(piece);
    for (const { chunks } of takers) expect(chunks[0]).toBe(piece);
  });
});
