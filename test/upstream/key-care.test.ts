import { createSecretKey } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { DAY_MS } from '../../src/core/intervals.ts';
import type { AuditRecord, UnsealedRecord } from '../../src/core/records/record.ts';
import { Credential } from '../../src/core/signing/credential.ts';
import { KeyCare } from '../../src/upstream/key-care.ts';
import { readKeyFacts } from '../../src/upstream/key-switches.ts';
import type { PreflightVerdict } from '../../src/upstream/key-verdicts.ts';

const NOW_MS = Date.UTC(2026, 10, 27, 12);
const keyNamed = (name: string) => new Credential(name, 'HMAC', createSecretKey('secret', 'utf8'));
const FIRST = keyNamed('first');
const SECOND = keyNamed('second');

const running: KeyCare[] = [];
afterEach(() => {
  for (const care of running.splice(0)) care.stop();
});

interface Facts {
  readonly ipRestrict?: boolean;
  readonly createTime?: number;
  readonly tradingAuthorityExpirationTime?: number;
}

function verdictOn({ keyDigest }: Credential, facts: Facts): PreflightVerdict {
  const answer = { enableWithdrawals: false, ipRestrict: true, createTime: NOW_MS - DAY_MS, ...facts };
  return {
    kind: 'passed',
    keyDigest,
    ...readKeyFacts(JSON.stringify(answer)),
    warnings: [],
    notes: [],
    tooMuch: [],
  };
}

/** A care over one account, in a time that the test moves. */
function careFor(facts: Facts = {}, earlier: readonly AuditRecord[] = [], startMs = NOW_MS) {
  const records: (Omit<UnsealedRecord, 'level'> & { readonly time: string; readonly level: number })[] = [];
  const state = {
    nowMs: startMs,
    credential: FIRST,
    verdict: verdictOn(FIRST, facts) as PreflightVerdict,
    maxAgeDays: 90,
  };
  const care = new KeyCare({
    inForce: () => new Map([['main', state.credential]]),
    verdicts: () => new Map([['main', state.verdict]]),
    watches: () =>
      new Map([
        ['main', { envPrefix: 'BINANCE', keyMaxAgeDays: state.maxAgeDays, streams: [], onForeign: 'tell' }],
      ]),
    trail: {
      note(record) {
        records.push({ ...record, time: new Date(state.nowMs).toISOString(), level: 30 });
        return true;
      },
    },
    wallNow: () => state.nowMs,
  });
  running.push(care);
  care.restore(earlier);
  /** Lets days go by, looking at the key in each. */
  const live = (days: number) => {
    for (let day = 0; day < days; day++) {
      state.nowMs += DAY_MS;
      care.review();
    }
  };
  const told = (event: string) => records.filter((record) => record.event === event);
  care.review();
  return { care, state, records, live, told, now: () => care.states.get('main') };
}

describe('the use of a key', () => {
  it('Is counted in days since an app used it, and said once a day and at the first use of a day', () => {
    const { care, live, told, now } = careFor();
    expect([now()?.unusedDays, now()?.lastUsed, told('key.care').length]).toEqual([0, undefined, 1]);
    live(3);
    expect([now()?.unusedDays, told('key.care').length]).toEqual([3, 4]);
    for (let calls = 0; calls < 100; calls++) care.used('main');
    expect([now()?.unusedDays, told('key.care').length]).toEqual([0, 5]);
    care.used('nobody');
    expect(told('key.care').length).toBe(5);
  });

  it('Survives a restart, with the day on which it was first known', () => {
    const first = careFor();
    first.care.used('main');
    const { lastUsed } = first.now() ?? {};
    first.live(7);
    const again = careFor({}, first.records as AuditRecord[], first.state.nowMs + 2 * DAY_MS);
    expect(again.now()).toMatchObject({ lastUsed, unusedDays: 9 });
    const never = careFor();
    never.live(5);
    const known = careFor({}, never.records as AuditRecord[], never.state.nowMs + DAY_MS);
    expect(known.now()).toMatchObject({ unusedDays: 6 });
    expect(known.now()).not.toHaveProperty('lastUsed');
  });

  it('A restart on the same day says nothing twice', () => {
    const first = careFor({ createTime: NOW_MS - 100 * DAY_MS });
    expect(first.told('key.old').length).toBe(1);
    const again = careFor(
      { createTime: NOW_MS - 100 * DAY_MS },
      first.records.filter(({ event }) => event === 'key.care') as AuditRecord[],
      NOW_MS + 1_000,
    );
    expect(again.records).toEqual([]);
  });

  it('A new key begins anew', () => {
    const { care, state, live, now } = careFor();
    care.used('main');
    live(12);
    state.credential = SECOND;
    state.verdict = verdictOn(SECOND, {});
    care.review();
    expect(now()).toMatchObject({ unusedDays: 0 });
    expect(now()).not.toHaveProperty('lastUsed');
  });
});

describe('what operators are told of a key', () => {
  it('Unused for 20 days without IP restriction: told each day until it is used', () => {
    const { care, live, told } = careFor({ ipRestrict: false });
    live(19);
    expect(told('key.unused')).toEqual([]);
    live(3);
    expect(told('key.unused').map(({ msg }) => /for (\d+) days/.exec(msg ?? '')?.[1])).toEqual([
      '20',
      '21',
      '22',
    ]);
    care.used('main');
    live(5);
    expect(told('key.unused').length).toBe(3);
  });

  it('Unused with IP restriction: Binance keeps it, and nothing is told', () => {
    const { live, told } = careFor({ ipRestrict: true });
    live(40);
    expect(told('key.unused')).toEqual([]);
  });

  it('Old from keyMaxAgeDays on: told then and each week', () => {
    const { live, told } = careFor({ createTime: NOW_MS - 80 * DAY_MS });
    live(9);
    expect(told('key.old')).toEqual([]);
    live(15);
    expect(told('key.old').map(({ msg }) => /is (\d+) days old/.exec(msg ?? '')?.[1])).toEqual([
      '90',
      '97',
      '104',
    ]);
  });

  it('Its right to trade ends: told each day from 14 days before', () => {
    const { live, told } = careFor({ tradingAuthorityExpirationTime: NOW_MS + 20 * DAY_MS });
    live(5);
    expect(told('key.ending')).toEqual([]);
    live(2);
    expect(told('key.ending').map(({ msg }) => msg)).toEqual([
      expect.stringContaining('ends at 2026-12-17T12:00:00.000Z'),
      expect.stringContaining('ends at 2026-12-17T12:00:00.000Z'),
    ]);
  });

  it('What is not known of a key yet is waited for', () => {
    const { state, live, records, care } = careFor();
    records.length = 0;
    state.verdict = { kind: 'pending', keyDigest: FIRST.keyDigest, reason: 'not read' };
    live(2);
    expect(records).toEqual([]);
    state.verdict = verdictOn(FIRST, {});
    care.review();
    expect(records.map(({ event }) => event)).toEqual(['key.care']);
  });
});
