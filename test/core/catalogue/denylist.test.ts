import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadCatalogue } from '../../../src/config/load-catalogue.ts';
import { DENIED_GROUPS } from '../../../src/core/catalogue/denied-paths.ts';
import { createDenylist, patternProblem } from '../../../src/core/catalogue/denylist.ts';
import { NEVER_GRANTED } from '../../../src/core/catalogue/permission.ts';
import { runs } from '../../support/properties.ts';

interface DangerousRow {
  readonly grade: 'WITHDRAW' | 'KEY_ADMIN' | 'TRANSFER' | 'LOAN/EARN' | 'CONVERT';
  readonly method: string;
  readonly path: string;
}

const rows = readFileSync(new URL('../../support/fixtures/dangerous.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as DangerousRow);
const denied = rows.filter(({ grade }) => grade === 'WITHDRAW' || grade === 'KEY_ADMIN');
const builtIn = createDenylist([]);

function inVersion(path: string, version: string): string {
  return path.replace(/\/v\d+\//, `/v${version}/`);
}

describe('the built-in denylist', () => {
  it('The built-in denylist is proved against all 210 graded rows', () => {
    expect(rows).toHaveLength(210);
    expect(denied).toHaveLength(70);
  });

  it.each(denied.map(({ grade, path }) => [path.replace('/*', '/v3/withdraw.html'), grade] as const))(
    'The denylist denies %s as %s in every version',
    (path, grade) => {
      for (const version of ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '007', '1234567890']) {
        expect(builtIn.match(inVersion(path, version))?.grade).toBe(grade);
      }
    },
  );

  it.each([
    '/eapi/v1/block/order/create',
    '/eapi/v1/block/order/execute',
    '/eapi/v1/block/order/orders',
    '/sapi/v1/w3w/wallet/prediction/otc/blocktrade/remove',
    '/sapi/v1/w3w/wallet/prediction/otc/blocktrade/list',
    '/sapi/v1/w3w/wallet/prediction/otc/blocktrade/reserved-balances',
    '/sapi/v1/block-match/order/place',
    '/sapi/v1/block-match/order/query-open-order',
    '/sapi/v2/block-match/symbols',
    '/sapi/v1/vip/vip-portal/futures/ip-whitelists',
    '/sapi/v1/vip/caas/commission/fee-groups/members',
    '/sapi/v1/margin/api-key-list',
    '/sapi/v2/margin/apiKey',
    '/sapi/v1/fiat/withdraw',
    '/wapi',
    '/wapi/v3/withdraw.html',
    '/wapi/anything/at/all',
  ])('The denylist denies %s, which leads to the same by another path', (path) => {
    expect(builtIn.match(path)).toBeDefined();
  });

  it('The denylist gives a reason with every hit', () => {
    for (const { paths } of DENIED_GROUPS) {
      for (const path of paths) expect(builtIn.match(path.replace('**', 'x'))?.reason).toMatch(/\w{4}/);
    }
  });

  it('The denylist names no path twice', () => {
    const paths = DENIED_GROUPS.flatMap((group) => group.paths);
    expect(new Set(paths.map((path) => path.toLowerCase())).size).toBe(paths.length);
  });

  it('The denylist denies in the catalogue exactly what needs a permission that nobody has', () => {
    for (const { path, permission } of loadCatalogue().endpoints) {
      expect([path, builtIn.match(path) !== undefined]).toEqual([path, NEVER_GRANTED.includes(permission)]);
    }
  });

  it.each([
    '/api/v3/order',
    '/sapi/v1/capital/withdraw/history',
    '/sapi/v1/capital/withdraw/applyx',
    '/sapi/v1/capital/withdraw',
    '/sapi/v1/giftcard/buyCode/token-limit',
    '/sapi/v1/account/apiRestrictions',
    '/sapi/v1/margin/loan-group/borrow',
    '/wapix/v3/withdraw.html',
    '/',
    '',
  ])('The denylist leaves %s to the catalogue', (path) => {
    expect(builtIn.match(path)).toBeUndefined();
  });

  it('The denylist knows a denied path under any letter case, version and number of trailing slashes', () => {
    const literal = denied.filter(({ path }) => !path.includes('*'));
    fc.assert(
      fc.property(
        fc.constantFrom(...literal),
        fc.array(fc.boolean(), { minLength: 120, maxLength: 120 }),
        fc.bigInt({ min: 0n, max: 10n ** 30n }),
        fc.nat(3),
        ({ path, grade }, upper, version, slashes) => {
          const cased = Array.from(inVersion(path, String(version)), (char, at) =>
            upper[at] === true ? char.toUpperCase() : char,
          ).join('');
          expect(builtIn.match(cased + '/'.repeat(slashes))?.grade).toBe(grade);
        },
      ),
      runs(5_000),
    );
  });

  it('The denylist answers for every text without throwing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (path) => void builtIn.match(`/${path}`)),
      runs(1_000),
    );
  });
});

describe("the operator's additions", () => {
  const reason = 'not on this desk';
  const matches = (pattern: string, path: string): boolean =>
    createDenylist([{ path: pattern, reason }]).match(path) !== undefined;

  it('A path that the operator adds is refused with the operator’s own reason', () => {
    const denylist = createDenylist([{ path: '/sapi/v1/asset/transfer', reason }]);
    expect(denylist.match('/sapi/v1/asset/transfer')).toEqual({ reason, grade: 'OPERATOR' });
    expect(denylist.match('/SAPI/v3/asset/Transfer/')).toEqual({ reason, grade: 'OPERATOR' });
    expect(denylist.match('/sapi/v1/asset/transferred')).toBeUndefined();
  });

  it.each([
    ['/sapi/*/lending/daily', '/sapi/v1/lending/daily', true],
    ['/sapi/v1/*/redeem', '/sapi/v1/bfusd/redeem', true],
    ['/sapi/v1/*/redeem', '/sapi/v9/rwusd/redeem', true],
    ['/sapi/v1/*/redeem', '/sapi/v1/simple-earn/flexible/redeem', false],
    ['/sapi/v1/*/redeem', '/sapi/v1/redeem', false],
    ['/dapi/**', '/dapi/v1/order', true],
    ['/dapi/**', '/dapi', true],
    ['/dapi/**', '/dapix/v1/order', false],
    ['/dapi/**', '/fapi/v1/order', false],
    ['/sapi/v1/*/flexible/**', '/sapi/v1/simple-earn/flexible/redeem', true],
    ['/*/v1/order', '/papi/v1/order', true],
    ['/**', '/api/v3/time', true],
    ['/sapi/v1/withdraw.html/**', '/sapi/v1/withdraw.html/x', true],
    ['/sapi/v1/withdraw.html/**', '/sapi/v1/withdrawxhtml/x', false],
  ])('The operator’s pattern %s on %s: %s', (pattern, path, expected) => {
    expect(matches(pattern, path)).toBe(expected);
  });

  it('An operator’s addition never takes from the built-in denylist', () => {
    const denylist = createDenylist([{ path: '/sapi/v1/capital/withdraw/apply', reason }]);
    expect(denylist.match('/sapi/v1/capital/withdraw/apply')?.grade).toBe('WITHDRAW');
  });

  it.each([
    '',
    'sapi/v1/x',
    '/sapi//x',
    '/sapi/v1/x/',
    '/sapi/**/x',
    '/sapi/v1/with*',
    '/sapi/v1/x?y=1',
    '/sapi/v1/%41',
    '/sapi/v1/x y',
    '/spot/api/v3/order',
    '/withdraw',
  ])('An operator’s pattern that could never match is named: "%s"', (path) => {
    expect(patternProblem(path)).toBeTypeOf('string');
    expect(() => createDenylist([{ path, reason }])).toThrow(/denylist entry/);
  });
});
