import { describe, expect, it } from 'vitest';
import { decide, denylistRefusal } from '../../../src/core/access/policy.ts';
import { createDenylist } from '../../../src/core/catalogue/denylist.ts';
import { catalogueEndpoint, catalogueEndpoints } from '../../support/fixtures/catalogue-endpoints.ts';
import { callOf, clientWith, refusalOf } from '../../support/fixtures/order-fixtures.ts';

const order = catalogueEndpoint('POST', '/api/v3/order');
const marginOrder = catalogueEndpoint('POST', '/sapi/v1/margin/order');
const transfer = catalogueEndpoint('POST', '/sapi/v1/asset/transfer');
const reporting = clientWith(undefined, { policyMode: 'report' });
const trader = clientWith(undefined);
const reader = clientWith(undefined, { name: 'dashboard', permissions: new Set(['market-data', 'read']) });

describe('the decision about a call', () => {
  it('A call passes when its client has the permission', () => {
    expect(decide(trader, order, callOf(order, {}))).toEqual({
      permissions: ['spot-margin-trade'],
      reported: undefined,
    });
  });

  it('A call without the permission is refused, and the refusal names client, endpoint and permission', () => {
    const refusal = refusalOf(() => decide(reader, order, callOf(order, {})));
    expect(refusal).toMatchObject({
      name: 'PROXY_PERMISSION_DENIED',
      code: -1002,
      rule: 'permission:spot-margin-trade',
    });
    expect(refusal?.message).toBe(
      'Client dashboard may not call POST /api/v3/order: it lacks the permission spot-margin-trade.',
    );
  });

  it('A parameter that raises the permission makes the decision ask for the raised one', () => {
    const borrowing = callOf(marginOrder, { sideEffectType: 'MARGIN_BUY' });
    expect(refusalOf(() => decide(trader, marginOrder, borrowing))?.rule).toBe('permission:loan');
    const borrower = clientWith(undefined, { permissions: new Set(['spot-margin-trade', 'loan']) });
    expect(decide(borrower, marginOrder, borrowing).permissions).toEqual(['spot-margin-trade', 'loan']);
    expect(decide(trader, marginOrder, callOf(marginOrder, {})).permissions).toEqual(['spot-margin-trade']);
  });

  it('A client in report mode passes without the permission, and the missing permission is reported', () => {
    expect(decide(reporting, transfer, callOf(transfer, {}))).toEqual({
      permissions: ['universal-transfer'],
      reported: 'permission:universal-transfer',
    });
    expect(decide(reporting, order, callOf(order, {})).reported).toBeUndefined();
  });

  it('A permission that nobody can grant never passes, not even in report mode', () => {
    for (const permission of ['withdraw', 'account-admin'] as const) {
      const refusal = refusalOf(() => decide(reporting, { ...transfer, permission }, callOf(transfer, {})));
      expect(refusal?.name).toBe('PROXY_PERMISSION_DENIED');
    }
  });

  it('A withdrawal never passes, whatever is granted and in whatever mode: the denylist knows no client', () => {
    const hit = createDenylist([]).match('/sapi/v1/capital/withdraw/apply');
    const refusal = hit && denylistRefusal(hit);
    expect(refusal).toMatchObject({ name: 'PROXY_DENYLISTED', code: -1002, rule: 'denylist:WITHDRAW' });
    expect(refusal?.message).toContain('crypto withdrawal');
    expect(refusal?.message).toContain('No configuration takes it off.');
  });

  it('A refusal by the operator’s own denylist entry says that the operator put it there', () => {
    const hit = createDenylist([{ path: '/sapi/v1/asset/**', reason: 'funds stay here' }]).match(
      '/sapi/v1/asset/x',
    );
    const refusal = hit && denylistRefusal(hit);
    expect(refusal?.message).toBe(
      'This call is on the denylist: funds stay here. The operator put it there.',
    );
    expect(refusal?.rule).toBe('denylist:OPERATOR');
  });

  it('A client without permissions is refused every endpoint of the catalogue', () => {
    const nobody = clientWith(undefined, { permissions: new Set() });
    for (const endpoint of catalogueEndpoints()) {
      const refusal = refusalOf(() =>
        decide(
          nobody,
          endpoint,
          callOf(endpoint.method === 'GET' ? { ...endpoint, method: 'POST' } : endpoint, {}),
        ),
      );
      expect(refusal?.name, endpoint.path).toBe('PROXY_PERMISSION_DENIED');
      expect(refusal?.message).toContain(endpoint.permission);
    }
  });
});
