import { describe, expect, it } from 'vitest';
import { namesSubject } from '../../../src/audit/reading/selection.ts';
import type { AuditRecord } from '../../../src/core/records/record.ts';

const signed = { time: '2026-02-03T12:00:00.000Z', level: 30, event: 'call.signed' } as const;
const CUT = `[${' '.repeat(4_095)}… (900 more characters)`;

describe('which records speak of a symbol or an order', () => {
  const orders = [
    { symbol: 'BTCUSDT', side: 'BUY', newClientOrderId: 'c-1' },
    { symbol: 'ETHUSDT', side: 'SELL', newClientOrderId: 'c-2', orderId: '77' },
  ];
  const whole: AuditRecord = { ...signed, orders, params: { batchOrders: CUT } };
  const earlier: AuditRecord = { ...signed, params: { batchOrders: JSON.stringify(orders) } };

  it('A record does not speak of what stands neither in its orders nor in its parameters', () => {
    for (const record of [whole, earlier]) {
      expect(namesSubject(record, { symbol: 'BNBUSDT' })).toBe(false);
      expect(namesSubject(record, { clientOrderId: 'c-3' })).toBe(false);
      expect(namesSubject(record, { orderId: '78' })).toBe(false);
    }
    const beside: AuditRecord = { ...signed, orders, params: { batchOrders: '[]', symbol: 'BNBUSDT' } };
    expect(namesSubject(beside, { symbol: 'BNBUSDT' })).toBe(false);
  });

  it('A record speaks of each of its orders, however its parameters were cut, and an earlier one by its parameters', () => {
    for (const record of [whole, earlier]) {
      for (const symbol of ['BTCUSDT', 'ETHUSDT']) expect(namesSubject(record, { symbol })).toBe(true);
      for (const clientOrderId of ['c-1', 'c-2']) expect(namesSubject(record, { clientOrderId })).toBe(true);
      expect(namesSubject(record, { orderId: '77' })).toBe(true);
    }
  });
});
