import { beforeEach, describe, expect, it } from 'vitest';
import type { AuditRecord } from '../../../src/core/records/record.ts';
import { ApprovalStage, asking, BOT, BUY, pendingId } from '../../support/approvals/approval-stage.ts';

const TWICE = { ...BOT, approval: asking({ quorum: 2 }) };

let stage: ApprovalStage;
/** One order that was asked for, approved by two, and sent. */
beforeEach(async () => {
  stage = new ApprovalStage();
  const id = pendingId(await stage.call(BUY, TWICE));
  stage.approve(id, 'alice');
  stage.approve(id, 'bob');
  expect(await stage.send({ ...BUY, quantity: '0.4' }, TWICE)).toBe('sent');
});

type Change = (record: AuditRecord) => AuditRecord | undefined;

/** What the check says once each record was changed, or taken out. */
function problemsAfter(change: Change): string[] {
  const records = stage.records().flatMap((record) => change(record) ?? []);
  stage.lines.splice(0, stage.lines.length, ...records.map((record) => JSON.stringify(record)));
  return stage.problems();
}

const of =
  (event: string, change: Change): Change =>
  (record) =>
    record.event === event ? change(record) : record;
const said =
  (change: object): Change =>
  (record) => ({ ...record, approval: { id: '', ...record.approval, ...change } });
const gone: Change = () => undefined;

describe('the check of approvals by records', () => {
  it('A trail that is right has no problem', () => {
    expect(problemsAfter((record) => record)).toEqual([]);
  });

  it.each<[string, Change, string]>([
    ['the ask is gone', of('approval.asked', gone), 'was never asked for'],
    ['the decisions are gone', of('approval.decided', gone), 'without the yes that it needed'],
    ['the use is gone', of('approval.used', gone), 'no record says that it used it'],
    [
      'the digest is another one',
      of('approval.asked', said({ digest: '0'.repeat(64) })),
      'is not the one of what was asked for',
    ],
    [
      'other pairs were asked for',
      of('approval.asked', said({ pairs: [['symbol', 'ETHUSDT']] })),
      'is not the one of what was asked for',
    ],
    [
      'another digest was approved',
      of('approval.decided', said({ digest: '0'.repeat(64) })),
      'with another digest',
    ],
    [
      'one operator said it twice',
      of('approval.decided', said({ operator: 'alice' })),
      'with the yes of too few operators',
    ],
    [
      'who may not approve did',
      of('approval.asked', said({ notBy: ['bob'] })),
      'approved by bob, who may not',
    ],
    ['it was denied', of('approval.decided', said({ decision: 'deny' })), 'it was denied'],
    [
      'it was approved too late',
      of('approval.asked', said({ decideUntil: '2020-01-01T00:00:00.000Z' })),
      'after its time to decide',
    ],
    [
      'it was used too late',
      of('approval.used', said({ claimed: '2100-01-01T00:00:00.000Z' })),
      'after its time to be used',
    ],
    [
      'a larger order was sent',
      of('call.signed', (record) => ({ ...record, orders: [{ ...record.orders?.[0], quantity: '0.6' }] })),
      'is another one than approval',
    ],
    [
      'another symbol was sent',
      of('call.signed', (record) => ({ ...record, orders: [{ ...record.orders?.[0], symbol: 'ETHUSDT' }] })),
      'is another one than approval',
    ],
    [
      'one more order was sent',
      of('call.signed', (record) => ({
        ...record,
        orders: [...(record.orders ?? []), ...(record.orders ?? [])],
      })),
      'is another one than approval',
    ],
    [
      'another client sent it',
      of('call.signed', (record) => ({ ...record, client: 'other' })),
      'is another one than approval',
    ],
  ])('It is told when %s', (_, change, sentence) => {
    expect(problemsAfter(change)[0]).toContain(sentence);
  });

  it.each([
    ['expired', 'approval.expired', 'though it expired'],
    ['voided', 'approval.voided', 'though it was voided'],
  ] as const)('It is told when what had %s was used', (_, event, sentence) => {
    const [used] = stage.records('approval.used');
    const index = stage.records().findIndex((record) => record.event === 'approval.used');
    stage.lines.splice(index, 0, JSON.stringify({ ...used, event, requestId: undefined }));
    expect(stage.problems()[0]).toContain(sentence);
  });

  it('It is told when what an earlier process was asked is used', () => {
    const index = stage.records().findIndex((record) => record.event === 'approval.used');
    stage.lines.splice(
      index,
      0,
      JSON.stringify({ time: '2027-01-15T08:00:00.000Z', event: 'proxy.started' }),
    );
    expect(stage.problems()[0]).toContain('ended with the process that was asked');
  });

  it('It is told when one approval is used by two calls, and not when the first was never stored', () => {
    const again = stage
      .records('approval.used', 'call.signed')
      .map((record) => ({ ...record, requestId: 'r-9' }));
    stage.lines.push(...again.map((record) => JSON.stringify(record)));
    expect(stage.problems()[0]).toContain('was used twice');
    const index = stage.records().findIndex((record) => record.event === 'call.signed');
    const [first] = stage.records('call.signed');
    const refused = {
      ...first,
      event: 'call.refused',
      error: 'PROXY_AUDIT_UNAVAILABLE',
      approval: undefined,
    };
    stage.lines.splice(index + 1, 0, JSON.stringify(refused));
    expect(stage.problems()).toEqual([]);
  });

  it('A second stamp of the same call needs no second approval, another call with the same does', () => {
    const [signed] = stage.records('call.signed');
    stage.lines.push(JSON.stringify(signed));
    expect(stage.problems()).toEqual([]);
    stage.lines.push(JSON.stringify({ ...signed, requestId: 'r-9' }));
    expect(stage.problems()[0]).toContain('no record says that it used it');
  });

  it.each<[string, object, object, boolean]>([
    ['worth more', { above: 'USDT=1000' }, {}, true],
    ['worth less', { above: 'USDT=1000000' }, {}, false],
    ['in an asset without a limit', { above: 'EUR=1000000' }, {}, true],
    ['of a symbol that is named', { symbols: 'ETHUSDT,BTCUSDT' }, {}, true],
    ['of a symbol that is not', { symbols: 'ETHUSDT' }, {}, false],
    ['of a permission that is named', { permissions: 'spot-margin-trade' }, {}, true],
    ['of one that is not', { permissions: 'universal-transfer' }, {}, false],
    ['a test', { permissions: 'spot-margin-trade' }, { path: '/api/v3/order/test' }, false],
  ])('A call without an approval is told where it is %s: %s', (_, detail, change, isTold) => {
    const [signed] = stage.records('call.signed');
    const told = { time: '2027-01-15T08:00:00.000Z', event: 'approval.rules', client: 'bare', detail };
    const call = {
      ...signed,
      requestId: 'r-9',
      client: 'bare',
      permission: 'spot-margin-trade',
      approval: undefined,
      ...change,
    };
    stage.lines.push(JSON.stringify(told), JSON.stringify(call));
    expect(stage.problems()).toEqual(
      isTold ? [expect.stringContaining('needed an approval and has none')] : [],
    );
  });
});
