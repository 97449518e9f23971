import { describe, expect, it } from 'vitest';
import { loadCatalogue } from '../../../src/config/load-catalogue.ts';
import { createDenylist } from '../../../src/core/catalogue/denylist.ts';
import { NEVER_GRANTED } from '../../../src/core/catalogue/permission.ts';
import { createWsMethods } from '../../../src/core/frames/frame-methods.ts';

const methods = createWsMethods(loadCatalogue());

describe('the methods of the WebSocket APIs', () => {
  it('The WebSocket APIs have as many methods as Binance documents', () => {
    const count = (family: string) => methods.all.filter((each) => each.family === family).length;
    expect([count('spot'), count('usdm'), count('coinm')]).toEqual([59, 21, 13]);
  });

  it('No method needs what no configuration grants, and none stands on the denylist', () => {
    const denylist = createDenylist([]);
    for (const { name, endpoint } of methods.all) {
      expect([name, NEVER_GRANTED.includes(endpoint.permission)]).toEqual([name, false]);
      expect([name, denylist.match(endpoint.path)]).toEqual([name, undefined]);
    }
  });

  it.each([
    ['spot', 'order.place', 'POST', '/api/v3/order', 'spot-margin-trade', 'signature'],
    [
      'spot',
      'v3/order.cancelReplace',
      'POST',
      '/api/v3/order/cancelReplace',
      'spot-margin-trade',
      'signature',
    ],
    ['spot', 'orderList.place', 'POST', '/api/v3/order/oco', 'spot-margin-trade', 'signature'],
    ['spot', 'depth', 'GET', '/api/v3/depth', 'market-data', 'nothing'],
    ['usdm', 'v1/order.modify', 'PUT', '/fapi/v1/order', 'futures-trade', 'signature'],
    ['usdm', 'v2/account.status', 'GET', '/fapi/v3/account', 'read', 'signature'],
    ['usdm', 'userDataStream.ping', 'PUT', '/fapi/v1/listenKey', 'read', 'key'],
    ['coinm', 'order.cancel', 'DELETE', '/dapi/v1/order', 'futures-trade', 'signature'],
  ] as const)('The method %s %s follows %s %s', (family, name, method, path, permission, adds) => {
    expect(methods.find(family, name)).toMatchObject({ adds, endpoint: { method, path, permission } });
  });

  it.each([
    ['spot', 'v1/order.place'],
    ['spot', 'v3/v3/order.place'],
    ['spot', 'V3/order.place'],
    ['spot', 'order.Place'],
    ['spot', 'constructor'],
    ['spot', '__proto__'],
    ['spot', 'algoOrder.place'],
    ['usdm', 'orderList.place'],
    ['usdm', 'v3/order.place'],
    ['coinm', 'algoOrder.place'],
  ] as const)('The method %s %s is unknown', (family, name) => {
    expect(methods.find(family, name)).toBeUndefined();
  });

  it('A method subscribes to user data with a signature, whichever way it is asked', () => {
    expect(methods.find('spot', 'userDataStream.subscribe')).toMatchObject({
      name: 'userDataStream.subscribe.signature',
      adds: 'signature',
      endpoint: { permission: 'read' },
    });
    expect(methods.find('spot', 'v3/userDataStream.subscribe.listenToken')).toMatchObject({
      adds: 'nothing',
      endpoint: { permission: 'read', security: 'APIKEY' },
    });
  });
});
