import { describe, expect, it } from 'vitest';
import { stageSimulator } from '../support/servers/running-simulator.ts';

const stage = stageSimulator();
type Query = Readonly<Record<string, string>>;

/** What libraries ask when they start, with a member by which they would fail if it were missing. */
const ASKED: readonly (readonly [path: string, query: Query, shape: unknown])[] = [
  ['/sapi/v1/account/apiRestrictions', {}, { enableReading: true }],
  ['/sapi/v1/account/status', {}, { data: 'Normal' }],
  ['/sapi/v1/account/apiTradingStatus', {}, { data: { isLocked: false } }],
  ['/sapi/v1/account/info', {}, { vipLevel: 0 }],
  ['/sapi/v1/accountSnapshot', { type: 'SPOT' }, { code: 200, snapshotVos: [{ type: 'spot' }] }],
  ['/sapi/v1/asset/assetDetail', {}, { BTC: { withdrawStatus: true } }],
  ['/sapi/v1/asset/assetDividend', {}, { total: 0, rows: [] }],
  ['/sapi/v1/asset/dribblet', {}, { userAssetDribblets: [] }],
  ['/sapi/v1/asset/tradeFee', { symbol: 'BTCUSDT' }, [{ symbol: 'BTCUSDT', makerCommission: '0.001' }]],
  ['/sapi/v1/asset/transfer', { type: 'MAIN_UMFUTURE' }, { rows: [] }],
  [
    '/sapi/v1/asset/wallet/balance',
    {},
    expect.arrayContaining([expect.objectContaining({ activate: true })]),
  ],
  ['/sapi/v1/bnbBurn', {}, { spotBNBBurn: true }],
  ['/sapi/v1/capital/config/getall', {}, expect.arrayContaining([expect.objectContaining({ coin: 'BTC' })])],
  ['/sapi/v1/capital/deposit/address', { coin: 'BTC' }, { coin: 'BTC', address: expect.any(String) }],
  ['/sapi/v1/capital/deposit/hisrec', {}, []],
  ['/sapi/v1/capital/withdraw/history', {}, []],
  ['/sapi/v1/margin/account', {}, { userAssets: expect.arrayContaining([expect.anything()]) }],
  ['/sapi/v1/margin/isolated/account', {}, { assets: [] }],
  ['/sapi/v1/margin/openOrders', {}, []],
  ['/sapi/v1/margin/maxBorrowable', { asset: 'BTC' }, { amount: '0' }],
  ['/sapi/v1/sub-account/list', {}, { subAccounts: [] }],
  ['/sapi/v4/sub-account/assets', { email: 'a@b.test' }, { balances: [] }],
  ['/fapi/v1/accountConfig', {}, { dualSidePosition: false }],
  ['/fapi/v1/symbolConfig', { symbol: 'BTCUSDT' }, [{ symbol: 'BTCUSDT', leverage: 20 }]],
  ['/fapi/v1/commissionRate', { symbol: 'BTCUSDT' }, { takerCommissionRate: '0.000400' }],
  ['/fapi/v1/income', {}, []],
  ['/fapi/v1/leverageBracket', { symbol: 'BTCUSDT' }, [{ brackets: [{ initialLeverage: 125 }, {}] }]],
  ['/fapi/v1/multiAssetsMargin', {}, { multiAssetsMargin: false }],
  ['/fapi/v1/positionSide/dual', {}, { dualSidePosition: false }],
  ['/fapi/v1/userTrades', { symbol: 'BTCUSDT' }, []],
  ['/dapi/v1/account', {}, { assets: [{ asset: 'BTC' }, {}], positions: [{ isolated: false }, {}] }],
  ['/dapi/v1/balance', {}, [{ asset: 'BTC' }, { asset: 'ETH' }]],
  ['/dapi/v1/commissionRate', { symbol: 'BTCUSD_PERP' }, { makerCommissionRate: '0.00010' }],
  ['/dapi/v1/income', {}, []],
  ['/dapi/v1/leverageBracket', {}, [{ pair: 'BTCUSD' }, {}]],
  ['/dapi/v2/leverageBracket', {}, [{ symbol: 'BTCUSD_PERP' }, {}]],
  ['/dapi/v1/openOrders', {}, []],
  ['/dapi/v1/positionRisk', {}, []],
  ['/dapi/v1/positionSide/dual', {}, { dualSidePosition: false }],
];

describe('what libraries ask when they start', () => {
  it.each(ASKED)('The answer of %s has its documented shape', async (path, query, shape) => {
    const { status, json } = await stage.alice.call('GET', path, query);
    expect(status).toBe(200);
    if (Array.isArray(shape) && shape.length === 0) expect(json).toEqual([]);
    else if (Array.isArray(shape) || Object.getPrototypeOf(shape) === Object.prototype)
      expect(json).toMatchObject(shape as object);
    else expect(json).toEqual(shape);
  });

  it('Positions of the USD-M account have the fields that libraries decode', async () => {
    for (const version of ['v2', 'v3']) {
      if (version === 'v3')
        await stage.alice.call('POST', '/fapi/v1/order', {
          ...{ symbol: 'BTCUSDT', side: 'BUY', type: 'MARKET', quantity: '0.01' },
        });
      const { json } = await stage.alice.call('GET', `/fapi/${version}/account`);
      const { positions } = json as { positions: unknown[] };
      const every = stage.simulator.exchange.spot.markets.size;
      expect(positions).toHaveLength(version === 'v2' ? every : 1);
      expect(positions[0]).toMatchObject({
        ...{ isolated: false, leverage: '20', maxNotional: '1000000', positionSide: 'BOTH' },
        ...{ isolatedWallet: expect.any(String), positionInitialMargin: expect.any(String) },
      });
    }
  });
});
