import type { JsonObject } from '../base/json-value.ts';
import { keyRoute, type Route, signedRoute } from '../http/route.ts';
import { SPOT_SYMBOLS } from '../spot/symbols.ts';

/** Nothing is borrowed and no order rests on margin, so these have nothing to list. */
const EMPTY_LISTS = ['allOrderList', 'allOrders', 'myTrades', 'openOrderList', 'openOrders'];
const EMPTY_PAGES = [
  'borrow-repay',
  'capital-flow',
  'forceLiquidationRec',
  'interestHistory',
  'loan',
  'repay',
  'transfer',
];

/** What a margin account shows: it is open, and empty. */
export function marginReadRoutes(): Route[] {
  return [
    keyRoute('GET /sapi/v1/margin/allAssets', {}, () => marginAssets().map(assetView)),
    signedRoute('GET /sapi/v1/margin/account', {}, () => ({
      created: true,
      borrowEnabled: true,
      marginLevel: '999.00000000',
      collateralMarginLevel: '999.00000000',
      totalAssetOfBtc: '0.00000000',
      totalLiabilityOfBtc: '0.00000000',
      totalNetAssetOfBtc: '0.00000000',
      totalCollateralValueInUSDT: '0.00000000',
      totalOpenOrderLossInUSDT: '0.00000000',
      tradeEnabled: true,
      transferInEnabled: true,
      transferOutEnabled: true,
      accountType: 'MARGIN_1',
      userAssets: marginAssets().map(balanceView),
    })),
    signedRoute('GET /sapi/v1/margin/isolated/account', {}, () => ({
      assets: [],
      totalAssetOfBtc: '0.00000000',
      totalLiabilityOfBtc: '0.00000000',
      totalNetAssetOfBtc: '0.00000000',
    })),
    signedRoute('GET /sapi/v1/margin/isolated/accountLimit', {}, () => ({
      enabledAccount: 0,
      maxAccount: 20,
    })),
    signedRoute('GET /sapi/v1/margin/tradeCoeff', {}, () => ({
      normalBar: '1.5',
      marginCallBar: '1.3',
      forceLiquidationBar: '1.1',
    })),
    signedRoute('GET /sapi/v1/margin/maxBorrowable', {}, () => ({ amount: '0', borrowLimit: '60' })),
    signedRoute('GET /sapi/v1/margin/maxTransferable', {}, () => ({ amount: '0' })),
    signedRoute('GET /sapi/v1/margin/crossMarginData', {}, () =>
      marginAssets().map((coin) => ({
        ...{ vipLevel: 0, coin, transferIn: true, borrowable: true },
        ...{ dailyInterest: '0.00026125', yearlyInterest: '0.0953', borrowLimit: '180', marginablePairs: [] },
      })),
    ),
    ...EMPTY_LISTS.map((name) => signedRoute(`GET /sapi/v1/margin/${name}`, {}, () => [])),
    ...EMPTY_PAGES.map((name) =>
      signedRoute(`GET /sapi/v1/margin/${name}`, {}, () => ({ total: 0, rows: [] })),
    ),
  ];
}

function marginAssets(): string[] {
  return ['USDT', ...SPOT_SYMBOLS.map(({ baseAsset }) => baseAsset)];
}

function balanceView(asset: string): JsonObject {
  const none = '0.00000000';
  return { asset, borrowed: none, free: none, interest: none, locked: none, netAsset: none };
}

function assetView(assetName: string): JsonObject {
  return {
    assetName,
    assetFullName: assetName,
    isBorrowable: true,
    isMortgageable: true,
    userMinBorrow: '0.00000000',
    userMinRepay: '0.00000000',
    delistTime: null,
  };
}
