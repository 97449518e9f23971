import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { ExactDecimal } from '../../src/core/decimal.ts';
import { DAY_MS } from '../../src/core/intervals.ts';
import type { DayClaim } from '../../src/core/orders/order-rules.ts';
import type { NotionalLedger, Reservation } from '../../src/orders/day-ledger.ts';
import { createFileNotionalLedger, LEDGER_FILE } from '../../src/orders/file-ledger.ts';
import { createMemoryNotionalLedger } from '../../src/orders/memory-ledger.ts';
import { runs } from '../support/properties.ts';

const folders: string[] = [];

function freshFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ledger-'));
  folders.push(folder);
  return folder;
}

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

function claim(amount: string, client = 'grid-bot', orders = 1, asset = 'USDT'): DayClaim {
  return { client, orders, amounts: new Map([[asset, new ExactDecimal(amount)]]) };
}

const perDay = (limit: string) => ({ maxNotionalPerDay: new Map([['USDT', limit]]) });
const NOON = 1_800_000_000_000;

async function reserved(
  ledger: NotionalLedger,
  ...asked: Parameters<NotionalLedger['reserve']>
): Promise<Reservation> {
  const answer = await ledger.reserve(...asked);
  if (!('reservation' in answer)) throw new Error(`refused by ${answer.refusedBy}`);
  return answer.reservation;
}

describe.each([
  ['in memory', () => createMemoryNotionalLedger()],
  ['in a file', () => createFileNotionalLedger(freshFolder(), NOON)],
])('daily sums %s', (_, create) => {
  it('A daily sum grants up to the limit exactly and not a hair more', async () => {
    const ledger = create();
    await reserved(ledger, claim('0.1'), perDay('0.3'), NOON);
    expect(await ledger.reserve(claim('0.20000000000000000001'), perDay('0.3'), NOON)).toEqual({
      refusedBy: 'order.maxNotionalPerDay',
    });
    await reserved(ledger, claim('0.2'), perDay('0.3'), NOON);
  });

  it('A daily sum counts all orders of a call or none', async () => {
    const ledger = create();
    await reserved(ledger, claim('1', 'grid-bot', 3), { maxPerDay: 4 }, NOON);
    expect(await ledger.reserve(claim('1', 'grid-bot', 2), { maxPerDay: 4 }, NOON)).toEqual({
      refusedBy: 'order.maxPerDay',
    });
    await reserved(ledger, claim('1'), { maxPerDay: 4 }, NOON);
  });

  it('A daily sum rolls: room comes back 24 hours after it was taken, not at midnight', async () => {
    const ledger = create();
    await reserved(ledger, claim('6'), perDay('10'), NOON);
    await reserved(ledger, claim('4'), perDay('10'), NOON + 1_000);
    expect(await ledger.reserve(claim('6'), perDay('10'), NOON + DAY_MS - 1)).toHaveProperty('refusedBy');
    await reserved(ledger, claim('6'), perDay('10'), NOON + DAY_MS);
    expect(await ledger.reserve(claim('1'), perDay('10'), NOON + DAY_MS + 999)).toHaveProperty('refusedBy');
    await reserved(ledger, claim('4'), perDay('10'), NOON + DAY_MS + 1_000);
  });

  it('A daily sum takes back what was refunded, once', async () => {
    const ledger = create();
    const first = await reserved(ledger, claim('10'), perDay('10'), NOON);
    ledger.refund(first);
    ledger.refund(first);
    await reserved(ledger, claim('10'), perDay('10'), NOON);
    expect(await ledger.reserve(claim('0.01'), perDay('10'), NOON)).toHaveProperty('refusedBy');
  });

  it('A daily sum keeps what was committed', async () => {
    const ledger = create();
    ledger.keep(await reserved(ledger, claim('10'), perDay('10'), NOON));
    expect(await ledger.reserve(claim('1'), perDay('10'), NOON)).toHaveProperty('refusedBy');
  });

  it('Daily sums keep clients and assets apart, and refuse an asset without a limit', async () => {
    const ledger = create();
    await reserved(ledger, claim('10', 'constructor'), perDay('10'), NOON);
    await reserved(ledger, claim('10', '__proto__'), perDay('10'), NOON);
    expect(await ledger.reserve(claim('1', 'dashboard', 1, 'BTC'), perDay('10'), NOON)).toHaveProperty(
      'refusedBy',
    );
    const two = {
      maxNotionalPerDay: new Map([
        ['USDT', '10'],
        ['BTC', '1'],
      ]),
    };
    await reserved(ledger, claim('1', '__proto__', 1, 'BTC'), two, NOON);
  });

  it('A claim takes nothing when one of its daily sums has no room', async () => {
    const ledger = create();
    const both = {
      client: 'a',
      orders: 2,
      amounts: new Map([
        ['USDT', new ExactDecimal(5)],
        ['BTC', new ExactDecimal(2)],
      ]),
    };
    const limits = {
      maxNotionalPerDay: new Map([
        ['USDT', '5'],
        ['BTC', '1'],
      ]),
    };
    expect(await ledger.reserve(both, limits, NOON)).toHaveProperty('refusedBy');
    await reserved(ledger, claim('5', 'a'), limits, NOON);
  });
});

describe('the file of daily sums', () => {
  const path = (folder: string): string => join(folder, LEDGER_FILE);

  it('The file of daily sums is readable by its owner only, also when it was not before', () => {
    const folder = freshFolder();
    writeFileSync(path(folder), '', { mode: 0o644 });
    createFileNotionalLedger(folder, NOON).close();
    expect(statSync(path(folder)).mode & 0o777).toBe(0o600);
  });

  it('After a restart the daily sums count what was open and what was committed, not what was refunded', async () => {
    const folder = freshFolder();
    const before = createFileNotionalLedger(folder, NOON);
    await reserved(before, claim('1'), perDay('10'), NOON);
    before.keep(await reserved(before, claim('2'), perDay('10'), NOON));
    before.refund(await reserved(before, claim('4'), perDay('10'), NOON));
    before.close();
    const after = createFileNotionalLedger(folder, NOON + 1);
    expect(await after.reserve(claim('7.1'), perDay('10'), NOON + 1)).toHaveProperty('refusedBy');
    await reserved(after, claim('7'), perDay('10'), NOON + 1);
  });

  it('After a crash the daily sums count without any closing, and with every digit', async () => {
    const folder = freshFolder();
    const amount = `0.${'0'.repeat(70)}1`;
    await reserved(createFileNotionalLedger(folder, NOON), claim(amount), perDay('1'), NOON);
    const after = createFileNotionalLedger(folder, NOON);
    expect(await after.reserve(claim('1'), perDay('1'), NOON)).toHaveProperty('refusedBy');
  });

  it('The file of daily sums drops a torn last line and goes on, whatever byte it was torn at', async () => {
    const folder = freshFolder();
    const before = createFileNotionalLedger(folder, NOON);
    await reserved(before, claim('1'), perDay('10'), NOON);
    const whole = readFileSync(path(folder), 'utf8');
    await reserved(before, claim('2'), perDay('10'), NOON);
    before.close();
    const second = readFileSync(path(folder), 'utf8').slice(whole.length);
    for (let cut = 0; cut < second.length - 1; cut++) {
      writeFileSync(path(folder), whole + second.slice(0, cut));
      const after = createFileNotionalLedger(folder, NOON);
      expect(await after.reserve(claim('9.1'), perDay('10'), NOON)).toHaveProperty('refusedBy');
      await reserved(after, claim('9'), perDay('10'), NOON);
      after.close();
      const again = createFileNotionalLedger(folder, NOON);
      expect(await again.reserve(claim('0.1'), perDay('10'), NOON)).toHaveProperty('refusedBy');
      again.close();
    }
  });

  it('The file of daily sums counts a last line that lacks nothing but its end', async () => {
    const folder = freshFolder();
    const before = createFileNotionalLedger(folder, NOON);
    await reserved(before, claim('10'), perDay('10'), NOON);
    before.close();
    writeFileSync(path(folder), readFileSync(path(folder), 'utf8').trimEnd());
    const after = createFileNotionalLedger(folder, NOON);
    expect(await after.reserve(claim('1'), perDay('10'), NOON)).toHaveProperty('refusedBy');
  });

  it('A line in the middle that cannot be read stops the start, and the error names the line', async () => {
    const folder = freshFolder();
    const before = createFileNotionalLedger(folder, NOON);
    await reserved(before, claim('1'), perDay('10'), NOON);
    before.close();
    appendFileSync(
      path(folder),
      '{"take":7,"client":"grid-bot","atMs":1,"orders":1,"amounts":[["USDT","-5"]]}\n',
    );
    expect(() => createFileNotionalLedger(folder, NOON)).toThrow(/^line 3 of .* cannot be read$/);
  });

  it('The file of daily sums forgets what counts no more, and never reuses a number that still counts', async () => {
    const folder = freshFolder();
    const ledger = createFileNotionalLedger(folder, NOON, { compactAfterLines: 4 });
    for (let index = 0; index < 20; index++) {
      ledger.refund(await reserved(ledger, claim('1'), perDay('10'), NOON));
      if (index === 10) await reserved(ledger, claim('3'), perDay('10'), NOON);
    }
    expect(readFileSync(path(folder), 'utf8').trimEnd().split('\n').length).toBeLessThan(10);
    ledger.close();
    const after = createFileNotionalLedger(folder, NOON, { compactAfterLines: 4 });
    for (let index = 0; index < 20; index++) {
      after.refund(await reserved(after, claim('7'), perDay('10'), NOON));
    }
    expect(await after.reserve(claim('7.1'), perDay('10'), NOON)).toHaveProperty('refusedBy');
  });

  it('The file of daily sums grants nothing that it cannot write', async () => {
    const folder = freshFolder();
    const ledger = createFileNotionalLedger(folder, NOON);
    ledger.close();
    for (let attempt = 0; attempt < 2; attempt++) {
      expect(() => ledger.reserve(claim('10'), perDay('10'), NOON)).toThrow();
    }
    expect(() => ledger.refund({ client: 'grid-bot', id: 1 })).not.toThrow();
    await reserved(createFileNotionalLedger(folder, NOON), claim('10'), perDay('10'), NOON);
  });
});

describe('any sequence of taking, giving back, waiting and restarting', () => {
  const step = fc.oneof(
    fc.record({
      do: fc.constant('take' as const),
      client: fc.constantFrom('a', 'b'),
      cents: fc.integer({ min: 1, max: 60 }),
    }),
    fc.record({ do: fc.constant('back' as const), which: fc.nat(30) }),
    fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: DAY_MS / 3 }) }),
    fc.record({ do: fc.constant('restart' as const), torn: fc.boolean() }),
  );

  it('The daily sums count exactly what a list of everything taken in the last 24 hours counts', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const folder = freshFolder();
        const limits = { maxNotionalPerDay: new Map([['USDT', '1']]), maxPerDay: 5 };
        let ledger = createFileNotionalLedger(folder, NOON, { compactAfterLines: 5 });
        let now = NOON;
        const model: {
          client: string;
          cents: number;
          atMs: number;
          reservation: Reservation;
          back: boolean;
        }[] = [];
        for (const each of steps) {
          if (each.do === 'wait') now += each.ms;
          else if (each.do === 'restart') {
            ledger.close();
            if (each.torn) appendFileSync(join(folder, LEDGER_FILE), '{"take":99,"clie');
            ledger = createFileNotionalLedger(folder, now, { compactAfterLines: 5 });
          } else if (each.do === 'back') {
            const entry = model[each.which % (model.length || 1)];
            if (entry === undefined) continue;
            ledger.refund(entry.reservation);
            entry.back = true;
          } else {
            const counted = model.filter((e) => e.client === each.client && !e.back && now - e.atMs < DAY_MS);
            const sum = counted.reduce((total, e) => total + e.cents, each.cents);
            const answer = await ledger.reserve(claim(`${each.cents / 100}`, each.client), limits, now);
            expect('reservation' in answer).toBe(sum <= 100 && counted.length < 5);
            if ('reservation' in answer)
              model.push({
                client: each.client,
                cents: each.cents,
                atMs: now,
                reservation: answer.reservation,
                back: false,
              });
          }
        }
        ledger.close();
        rmSync(folder, { recursive: true });
        folders.pop();
      }),
      runs(1_000),
    );
  });
});
