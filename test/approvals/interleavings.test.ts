import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ApprovalStage, asking, BOT, BUY } from '../support/approvals/approval-stage.ts';
import { runs } from '../support/properties.ts';

const CLIENTS = [
  BOT,
  { ...BOT, name: 'two', approval: asking({ quorum: 2, notBy: new Set(['carol']) }) },
] as const;
const FORMS = [
  BUY,
  { ...BUY, quantity: '0.3' },
  { ...BUY, quantity: '0.9' },
  { ...BUY, price: '100300' },
  { ...BUY, side: 'SELL', price: '110000' },
  { symbol: 'BTCUSDT', side: 'BUY', type: 'MARKET', quantity: '0.4' },
] as const;

/** One thing that may happen, in any order. */
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('send'), form: fc.nat(5), client: fc.nat(1) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('claim'), form: fc.nat(5), client: fc.nat(1) }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('approve'), which: fc.nat(9), by: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('deny'), which: fc.nat(9), by: fc.nat(2) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('wait'),
      ms: fc.constantFrom(1_000, 30_000, 59_999, 60_000, 180_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('price'), factor: fc.constantFrom(1, 1.004, 0.995, 1.02) }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'crash' } as const) },
  { weight: 1, arbitrary: fc.constant({ kind: 'reload' } as const) },
  { weight: 1, arbitrary: fc.constant({ kind: 'disk' } as const) },
);
const OPERATORS = ['alice', 'bob', 'carol'] as const;

describe('any interleaving of asks, decisions, uses, expiries, crashes and reloads', () => {
  it('One approval covers at most one sent call, and every sent call has one: the records alone show it', async () => {
    let sent = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
        const stage = new ApprovalStage();
        const held: Disposable[] = [];
        for (const one of steps) {
          const open = stage.decisions.list();
          const id = 'which' in one ? open[one.which % Math.max(1, open.length)]?.id : undefined;
          switch (one.kind) {
            case 'send':
              if ('form' in one)
                await stage.send({ ...FORMS[one.form], newClientOrderId: `n${sent++}` }, CLIENTS[one.client]);
              break;
            case 'claim': {
              if (!('form' in one)) break;
              const fared = await stage.call(FORMS[one.form], CLIENTS[one.client]);
              if ('passed' in fared && fared.passed !== undefined) held.push(fared.passed);
              break;
            }
            case 'approve':
              if ('by' in one && id !== undefined) stage.approve(id, OPERATORS[one.by]);
              break;
            case 'deny':
              if ('by' in one && id !== undefined) stage.deny(id, OPERATORS[one.by]);
              break;
            case 'wait':
              if ('ms' in one) stage.nowMs += one.ms;
              for (const each of held.splice(0)) each[Symbol.dispose]();
              break;
            case 'price':
              if ('factor' in one) stage.priceFactor = one.factor;
              break;
            case 'crash':
              held.length = 0;
              stage.isStored = true;
              stage.start();
              break;
            case 'reload':
              stage.approvals.voidWhere(({ client }) => client.name === 'bot', 'the client’s rules changed');
              break;
            default:
              stage.isStored = !stage.isStored;
          }
        }
        const records = stage.records();
        const uses = records
          .filter(({ event }) => event === 'approval.used')
          .map(({ approval }) => approval?.id);
        const signed = records.filter(({ event }) => event === 'call.signed');
        expect(new Set(uses).size).toBe(uses.length);
        expect(signed.map(({ approval }) => approval?.id)).toEqual(uses);
        expect(stage.problems()).toEqual([]);
      }),
      runs(600, 60),
    );
  });
});
