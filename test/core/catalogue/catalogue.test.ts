import { describe, expect, it } from 'vitest';
import {
  buildCatalogue,
  type CatalogueEntry,
  type CatalogueFile,
} from '../../../src/core/catalogue/catalogue.ts';

const entry: CatalogueEntry = {
  method: 'GET',
  path: '/api/v3/time',
  security: 'NONE',
  securityType: 'NONE',
  permission: 'market-data',
  ip: 1,
};

const order = { ...entry, method: 'POST', security: 'SIGNED', permission: 'spot-margin-trade' };

function files(...endpoints: readonly object[]): CatalogueFile[] {
  return [{ product: 'spot', upstream: 'spot', endpoints: endpoints as CatalogueEntry[] }];
}

function problemsOf(...endpoints: readonly object[]): string {
  try {
    buildCatalogue(files(...endpoints));
  } catch (error) {
    return (error as Error).message;
  }
  return '';
}

describe('buildCatalogue', () => {
  it('The catalogue finds an endpoint by exactly its upstream, method and path', () => {
    const catalogue = buildCatalogue(files(entry));
    expect(catalogue.find('spot', 'GET', '/api/v3/time')).toMatchObject({
      product: 'spot',
      upstream: 'spot',
    });
    for (const [upstream, method, path] of [
      ['usdm', 'GET', '/api/v3/time'],
      ['spot', 'POST', '/api/v3/time'],
      ['spot', 'get', '/api/v3/time'],
      ['spot', 'GET', '/api/v3/time/'],
      ['spot', 'GET', '/api/v3/Time'],
      ['spot', 'GET', 'constructor'],
      ['constructor', 'GET', '/api/v3/time'],
    ] as const) {
      expect(catalogue.find(upstream as 'spot', method, path)).toBeUndefined();
    }
  });

  it('The catalogue tells the same path on two upstreams apart', () => {
    const basis = { ...entry, path: '/futures/data/basis' };
    const catalogue = buildCatalogue([
      { product: 'usdm', upstream: 'usdm', endpoints: [{ ...basis, ip: 0 }] },
      { product: 'coinm', upstream: 'coinm', endpoints: [basis] },
    ]);
    expect(catalogue.find('usdm', 'GET', '/futures/data/basis')?.weights).toEqual([{ scope: 'IP', max: 0 }]);
    expect(catalogue.find('coinm', 'GET', '/futures/data/basis')?.weights).toEqual([{ scope: 'IP', max: 1 }]);
    expect(catalogue.find('spot', 'GET', '/futures/data/basis')).toBeUndefined();
  });

  it('The catalogue gives what is not written down its commonest value', () => {
    expect(buildCatalogue(files(entry)).endpoints[0]).toMatchObject({
      orders: {},
      effect: 'none',
      clientOrderIds: [],
      repeatable: [],
    });
  });

  it('The catalogue takes the largest weight that a rule can give as the maximum', () => {
    const rules = {
      '/api/v3/a': [{ has: 'symbol', w: 2 }, { w: 80 }],
      '/api/v3/b': [
        {
          limit: [
            [100, 5],
            [5000, 250],
          ],
          default: 100,
        },
      ],
      '/api/v3/c': [
        { has: 'symbol', w: 4 },
        { count: 'symbols', each: 4, cap: 200 },
      ],
      '/api/v3/d': [
        {
          countSteps: 'symbols',
          steps: [
            [20, 2],
            [100, 40],
          ],
          over: 81,
        },
      ],
      '/api/v3/e': [{ eq: ['sideEffectType', 'MARGIN_BUY'], w: 1500 }, { w: 6 }],
    };
    const { endpoints } = buildCatalogue(
      files(...Object.entries(rules).map(([path, ip]) => ({ ...entry, path, ip }))),
    );
    expect(endpoints.map(({ weights }) => weights[0]?.max)).toEqual([80, 250, 200, 81, 1500]);
  });

  it('The catalogue counts an endpoint by IP and by account where both are written down', () => {
    const both = buildCatalogue(files({ ...entry, uid: 360 })).endpoints[0];
    expect(both?.weights).toEqual([
      { scope: 'IP', max: 1 },
      { scope: 'UID', max: 360 },
    ]);
  });

  it('The catalogue freezes endpoints through and through, without freezing what it was given', () => {
    const given = { ...entry, ip: [{ limit: [[100, 5]] as [[number, number]], default: 100 }] };
    const endpoint = buildCatalogue(files(given)).endpoints[0];
    expect(Object.isFrozen(endpoint)).toBe(true);
    expect(Object.isFrozen(endpoint?.orders)).toBe(true);
    expect(Object.isFrozen(endpoint?.weights[0]?.steps?.[0])).toBe(true);
    expect(Object.isFrozen(given.ip)).toBe(false);
  });

  it.each([
    ['an endpoint twice', [entry, entry], 'spot GET /api/v3/time: stands twice'],
    ['an unknown method', [{ ...entry, method: 'PATCH' }], 'unknown method'],
    ['an unknown security', [{ ...entry, security: 'KEY' }], 'unknown security'],
    ['no permission', [{ ...entry, permission: undefined }], 'has no permission'],
    ['an unknown permission', [{ ...entry, permission: 'trade' }], 'unknown permission "trade"'],
    [
      'a key-free endpoint that is not market data',
      [{ ...entry, permission: 'read' }],
      'must be market-data',
    ],
    ['a trailing slash', [{ ...entry, path: '/api/v3/time/' }], 'the path is not canonical'],
    ['a dot segment', [{ ...entry, path: '/api/../sapi/v1/x' }], 'the path is not canonical'],
    ['an escape', [{ ...entry, path: '/api/v3/%74ime' }], 'the path is not canonical'],
    ['a path of another upstream', [{ ...entry, path: '/fapi/v1/time' }], 'does not belong to the upstream'],
    ['no weight', [{ ...entry, ip: undefined }], 'has no weight'],
    ['a negative weight', [{ ...entry, ip: -1 }], 'a weight is not an integer'],
    ['a broken weight', [{ ...entry, ip: 1.5 }], 'a weight is not an integer'],
    [
      'a negative step',
      [{ ...entry, ip: [{ has: 'symbol', w: -2 }, { w: 1 }] }],
      'a weight is not an integer',
    ],
    ['a rule without steps', [{ ...entry, ip: [] }], 'a weight has no steps'],
    ['an unknown interval', [{ ...entry, orders: { second: 1 } }], '"second" is not an interval'],
    ['an order count of nothing', [{ ...entry, orders: { '10S': 0 } }], 'an order count'],
    ['orders without an orderShape', [{ ...entry, effect: 'place' }], 'no orderShape to read its orders by'],
    [
      'a cancel with an orderShape',
      [{ ...entry, effect: 'cancel', orderShape: 'single' }],
      'has an orderShape and cancels',
    ],
    [
      'a change that does not say what it touches',
      [{ ...entry, method: 'POST' }],
      'changes something and does not say what it touches',
    ],
    [
      'a read that touches a symbol',
      [{ ...entry, method: 'POST', touches: 'symbol' }],
      'needs only market-data and touches symbol',
    ],
    [
      'a read of what is personal that touches the account',
      [{ ...entry, security: 'SIGNED', permission: 'read-personal', touches: 'account' }],
      'needs only read-personal and touches account',
    ],
    [
      'an order that touches no orders',
      [{ ...order, effect: 'place', orderShape: 'single', touches: 'symbol' }],
      'has the effect place and touches symbol',
    ],
    [
      'a cancel that touches the account',
      [{ ...order, effect: 'cancel', touches: 'account' }],
      'has the effect cancel and touches account',
    ],
    [
      'orders that are touched without an effect',
      [{ ...order, touches: 'orders' }],
      'touches orders and has no effect on them',
    ],
    [
      'a raise to what it already is',
      [{ ...entry, raised: { parameter: 'a', harmless: [], permission: 'market-data' } }],
      'is not raised to a further permission',
    ],
  ])('The catalogue refuses %s', (_what, endpoints, problem) => {
    expect(problemsOf(...endpoints)).toContain(problem);
  });

  it('The catalogue refuses a denylisted path, in any version, that needs less than a permission nobody has', () => {
    const withdraw = {
      ...entry,
      method: 'POST',
      security: 'SIGNED',
      path: '/sapi/v7/capital/withdraw/apply',
      touches: 'account',
    };
    expect(problemsOf({ ...withdraw, permission: 'universal-transfer' })).toContain('is denylisted');
    expect(problemsOf({ ...withdraw, permission: 'withdraw' })).toBe('');
  });

  it('The catalogue refuses a permission nobody has on a path that is not denylisted', () => {
    const read = { ...entry, security: 'SIGNED', path: '/sapi/v1/account/info', permission: 'account-admin' };
    expect(problemsOf(read)).toContain('needs account-admin and is not denylisted');
  });

  it('The catalogue lists every problem of the whole set at once', () => {
    const message = problemsOf(entry, entry, { ...entry, path: '/fapi/v1/time', ip: -1 });
    expect(message.split('\n')).toHaveLength(4);
  });
});
