import { describe, expect, it } from 'vitest';
import { loadCatalogue } from '../../../src/config/load-catalogue.ts';
import { neededPermissions } from '../../../src/core/access/policy.ts';
import { readCall } from '../../../src/core/call/call.ts';
import {
  DEFAULT_PERMISSIONS,
  NEVER_GRANTED,
  PERMISSIONS,
  SINGLE_CLIENT_PERMISSIONS,
} from '../../../src/core/catalogue/permission.ts';

const catalogue = loadCatalogue();
const MARGIN_ORDERS = [
  '/sapi/v1/margin/order',
  '/sapi/v1/margin/order/oco',
  '/sapi/v1/margin/order/oto',
  '/sapi/v1/margin/order/otoco',
  '/papi/v1/margin/order',
  '/papi/v1/margin/order/oco',
];

function needed(method: string, target: string, body = ''): readonly string[] {
  const call = readCall(method, target, Buffer.from(body));
  return neededPermissions(catalogue.find(call.upstream!, method, call.path)!, call);
}

describe('the permissions', () => {
  it('There are sixteen permissions: two are never granted and six are granted by default', () => {
    expect(PERMISSIONS).toHaveLength(16);
    expect(NEVER_GRANTED).toEqual(['withdraw', 'account-admin']);
    expect(DEFAULT_PERMISSIONS).toHaveLength(6);
  });

  it('The single client has one permission more than a client of the file gets by default: account-settings', () => {
    expect(SINGLE_CLIENT_PERMISSIONS).toEqual([...DEFAULT_PERMISSIONS, 'account-settings']);
  });
});

describe('neededPermissions', () => {
  it('A call needs the permission of its endpoint, and gets the same list each time', () => {
    expect(needed('GET', '/api/v3/account')).toEqual(['read']);
    expect(needed('GET', '/api/v3/account')).toBe(needed('GET', '/api/v3/openOrders?symbol=BTCUSDT'));
  });

  it('A sideEffectType raises no permission on an endpoint whose orders cannot borrow', () => {
    expect(needed('POST', '/api/v3/order', 'sideEffectType=MARGIN_BUY')).toEqual(['spot-margin-trade']);
    expect(needed('DELETE', '/sapi/v1/margin/order?sideEffectType=MARGIN_BUY')).toEqual([
      'spot-margin-trade',
    ]);
  });

  describe.each(MARGIN_ORDERS)('for POST %s', (path) => {
    const base = path.startsWith('/papi/') ? 'portfolio-margin-trade' : 'spot-margin-trade';

    it.each([
      '',
      'sideEffectType=NO_SIDE_EFFECT',
      'sideEffectType=AUTO_REPAY',
      'sideEffectType=AUTO%5FREPAY',
    ])('A margin order with "%s" needs the base permission only', (parameters) => {
      expect(needed('POST', path, parameters)).toEqual([base]);
      expect(needed('POST', `${path}?${parameters}`)).toEqual([base]);
    });

    it.each([
      'sideEffectType=MARGIN_BUY',
      'sideEffectType=AUTO_BORROW_REPAY',
      'sideEffectType=MARGIN%5fBUY',
      'sideEffectType=',
      'sideEffectType',
      'sideEffectType=no_side_effect',
      'sideEffectType=NO_SIDE_EFFECT+',
      'sideEffectType=%ff',
      'sideEffectType=SOMETHING_NEW',
      'sideEffectType=NO_SIDE_EFFECT&sideEffectType=MARGIN_BUY',
    ])('A margin order with "%s" needs loan too', (parameters) => {
      expect(needed('POST', path, parameters)).toEqual([base, 'loan']);
      expect(needed('POST', `${path}?${parameters}`)).toEqual([base, 'loan']);
    });

    it('A margin order with a JSON body that borrows needs loan too', () => {
      expect(needed('POST', path, '{"sideEffectType":"MARGIN_BUY"}')).toEqual([base, 'loan']);
    });
  });
});
