import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Claim } from '../../src/repeats/claim.ts';
import { ClaimBook } from '../../src/repeats/claim-book.ts';
import { runs } from '../support/properties.ts';

const MINUTE_MS = 60_000;

function open() {
  const clock = { nowMs: 1_000_000 };
  return { clock, book: new ClaimBook({ now: () => clock.nowMs, shared: undefined }) };
}

let number = 0;
function take(book: ClaimBook, name: string, digest?: string): Claim | string {
  const request = {
    requestId: `r-${++number}`,
    clientOrderIds: [name],
    digest,
    names: [`main spot BTCUSDT ${name}`],
    digestUntilMs: 1_000_000 + 10 * MINUTE_MS,
  };
  try {
    return book.claim(request) as Claim;
  } catch (error) {
    return (error as Error).name;
  }
}

function must(claim: Claim | string): Claim {
  if (typeof claim === 'string') throw new Error(claim);
  return claim;
}

function resolve(
  book: ClaimBook,
  requestId: string,
  resolution: 'executed' | 'not-found',
  name: string,
): void {
  const order = { clientOrderId: name, symbol: 'BTCUSDT', resolution };
  const call = {
    requestId,
    client: 'bot',
    account: 'main',
    upstream: 'spot',
    path: '/api/v3/order',
  } as const;
  book.resolved({ ...call, resolution, orders: [order], afterMs: 1, asked: 1 });
}

describe('the claim of a call', () => {
  it('A name is taken until its claim is given back', () => {
    const { book } = open();
    const first = must(take(book, 'a'));
    expect(take(book, 'a')).toBe('PROXY_OUTCOME_UNKNOWN');
    first[Symbol.dispose]();
    expect(typeof take(book, 'a')).toBe('object');
  });

  it('A name whose app has the answer is free, its bytes are not', () => {
    const { book } = open();
    const first = must(take(book, 'a', 'digest'));
    first.keep('executed');
    expect(take(book, 'a')).toBe('PROXY_DUPLICATE_ORDER');
    first.heard();
    first[Symbol.dispose]();
    expect(take(book, 'a', 'digest')).toBe('PROXY_DUPLICATE_ORDER');
    expect(typeof take(book, 'a', 'another')).toBe('object');
  });

  it('A name whose app did not get the answer is held for a minute', () => {
    const { book, clock } = open();
    must(take(book, 'a')).keep('executed');
    clock.nowMs += MINUTE_MS - 1;
    expect(take(book, 'a')).toBe('PROXY_DUPLICATE_ORDER');
    clock.nowMs += 2;
    expect(typeof take(book, 'a')).toBe('object');
  });

  it('A name of unknown fate is held until it is known, however long that takes', () => {
    const { book, clock } = open();
    const lost = must(take(book, 'a'));
    lost.keep('unknown');
    lost[Symbol.dispose]();
    clock.nowMs += 10_000 * MINUTE_MS;
    expect(take(book, 'a')).toBe('PROXY_OUTCOME_UNKNOWN');
    resolve(book, lost.holder.requestId, 'executed', 'a');
    expect(take(book, 'a')).toBe('PROXY_DUPLICATE_ORDER');
    clock.nowMs += MINUTE_MS + 1;
    const second = must(take(book, 'a'));
    second.keep('unknown');
    resolve(book, second.holder.requestId, 'not-found', 'a');
    expect(typeof take(book, 'a')).toBe('object');
  });

  it('A bug that says heard too early, or of a lost call, frees nothing', () => {
    const { book } = open();
    const claim = must(take(book, 'a'));
    claim.heard();
    expect(take(book, 'a')).toBe('PROXY_OUTCOME_UNKNOWN');
    claim.keep('unknown');
    claim.heard();
    expect(take(book, 'a')).toBe('PROXY_OUTCOME_UNKNOWN');
  });

  it('Nothing is kept for ever of what is over', () => {
    const { book, clock } = open();
    for (let round = 0; round < 50; round++) {
      const claim = must(take(book, `n-${round}`, `d-${round}`));
      claim.keep('executed');
      claim.heard();
    }
    clock.nowMs += 20 * MINUTE_MS;
    for (let round = 0; round < 50; round++)
      expect(typeof take(book, `n-${round}`, `d-${round}`)).toBe('object');
  });

  it('However claims are taken, ended, heard and resolved, no name has two calls that may both have had an effect', () => {
    const act = fc.record({
      what: fc.constantFrom('take', 'executed', 'unknown', 'heard', 'drop', 'found', 'missing', 'wait'),
      name: fc.constantFrom('a', 'b', 'c'),
      pick: fc.nat(9),
    });
    fc.assert(
      fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
        const { book, clock } = open();
        /** What each name's calls know: its app has not heard of an effect that there was, or may have been. */
        const claims: { claim: Claim; name: string; state: string; sinceMs: number }[] = [];
        for (const { what, name, pick } of acts) {
          const entry = claims[pick % Math.max(1, claims.length)];
          if (what === 'take') {
            const taken = take(book, name);
            const isHeld = claims.some(
              (each) =>
                each.name === name &&
                (each.state === 'open' ||
                  each.state === 'unknown' ||
                  (each.state === 'executed' && clock.nowMs - each.sinceMs < MINUTE_MS)),
            );
            expect(typeof taken === 'string').toBe(isHeld);
            if (typeof taken !== 'string')
              claims.push({ claim: taken, name, state: 'open', sinceMs: clock.nowMs });
          } else if (what === 'wait') clock.nowMs += 20_000;
          else if (entry === undefined) continue;
          else if ((what === 'executed' || what === 'unknown') && entry.state === 'open') {
            entry.claim.keep(what);
            Object.assign(entry, { state: what, sinceMs: clock.nowMs });
          } else if (what === 'heard' && entry.state === 'executed') {
            entry.claim.heard();
            entry.state = 'over';
          } else if (what === 'drop') {
            entry.claim[Symbol.dispose]();
            if (entry.state === 'open') entry.state = 'over';
          } else if ((what === 'found' || what === 'missing') && entry.state === 'unknown') {
            resolve(
              book,
              entry.claim.holder.requestId,
              what === 'found' ? 'executed' : 'not-found',
              entry.name,
            );
            Object.assign(entry, { state: what === 'found' ? 'executed' : 'over', sinceMs: clock.nowMs });
          }
        }
      }),
      runs(2_000),
    );
  });
});
