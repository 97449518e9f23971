import { readFileSync } from 'node:fs';
import Schema from 'typebox/schema';
import { describe, expect, it } from 'vitest';
import { sealLine } from '../../../src/core/records/chain.ts';
import {
  AUDIT_EVENTS,
  auditLevel,
  auditLine,
  type UnsealedRecord,
} from '../../../src/core/records/record.ts';

const schema = JSON.parse(
  readFileSync(new URL('../../../config/audit-record.schema.json', import.meta.url), 'utf8'),
);
const check = Schema.Compile(schema);

const whole: Required<UnsealedRecord> = {
  detail: { offsetMs: 1.5, host: 'a', on: true },
  uuid: 'u-1',
  approval: { id: 'a-1', digest: 'd'.repeat(64) },
  rule: 'maxNotional',
  error: 'PROXY_ORDER_REFUSED',
  callDigest: 'd'.repeat(64),
  clientOrderId: ['a', 'b'],
  orderId: '28',
  outcome: 'not-sent',
  msg: 'No.',
  code: -2010,
  status: 400,
  durationMs: 12.34567,
  upstreamMs: 10,
  signMs: 0.0004,
  waitMs: 0,
  cacheOf: 'r-0',
  cache: 'hit',
  weightUsed: 20,
  weight: 1,
  params: { symbol: 'BTCUSDT', asset: ['BTC', 'ETH'] },
  orders: [{ symbol: 'BTCUSDT', side: 'BUY', newClientOrderId: 'a' }],
  permission: 'spot-margin-trade',
  path: '/api/v3/order',
  method: 'POST',
  upstream: 'spot',
  account: 'main',
  client: 'grid-bot',
  requestId: 'r-1',
  level: 'warn',
  event: 'call.refused',
};

describe('an audit record', () => {
  it('An audit record has its fields in the order of the schema, whatever order its maker gave them in', () => {
    const { text } = sealLine(auditLine(whole, 7, 1_700_000_000_123), '0'.repeat(64), undefined);
    expect(Object.keys(JSON.parse(text))).toEqual(Object.keys(schema.properties));
    expect(JSON.parse(text)).toMatchObject({ time: '2023-11-14T22:13:20.123Z', level: 40, seq: 7 });
  });

  it('An audit record leaves out what does not apply', () => {
    expect(auditLine({ event: 'proxy.stopping' }, undefined, 0)).toBe(
      '{"time":"1970-01-01T00:00:00.000Z","level":30,"event":"proxy.stopping"}',
    );
  });

  it('An audit record keeps durations to the microsecond and drops what is no number', () => {
    const line = auditLine(
      { event: 'call.completed', durationMs: 12.34567, waitMs: 0.0004, signMs: Number.NaN },
      1,
      0,
    );
    expect(JSON.parse(line)).toMatchObject({ durationMs: 12.346, waitMs: 0 });
    expect(line).not.toContain('signMs');
  });

  it.each(AUDIT_EVENTS)('An audit record of %s is valid by the schema', (event) => {
    const line = sealLine(
      auditLine({ ...whole, level: undefined, event }, 1, 0),
      '0'.repeat(64),
      undefined,
    ).text;
    expect(check.Errors(JSON.parse(line))[1]).toEqual([]);
    expect(schema.properties.event.enum).toContain(event);
  });

  it.each([
    { time: 'yesterday' },
    { event: 'call.invented' },
    { params: { symbol: 1 } },
    { secret: 'x' },
    { hash: '0' },
    { error: 'Oops' },
  ])('An audit record with %o is not valid by the schema', (wrong) => {
    expect(check.Check({ ...JSON.parse(auditLine(whole, 1, 0)), ...wrong })).toBe(false);
  });

  it('An audit record has the level of its event, higher where an answer never came', () => {
    expect(auditLevel({ event: 'call.completed', outcome: 'answered' })).toBe('info');
    expect(auditLevel({ event: 'call.completed', outcome: 'unknown' })).toBe('warn');
    expect(auditLevel({ event: 'preflight.failed' })).toBe('error');
    expect(auditLevel({ event: 'proxy.started', level: 'error' })).toBe('error');
  });
});
