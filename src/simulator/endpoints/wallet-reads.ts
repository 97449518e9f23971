import type { Account } from '../accounts/accounts.ts';
import type { JsonObject, JsonValue } from '../base/json-value.ts';
import { amount, ZERO } from '../base/money.ts';
import { type Route, signedRoute, type Visit } from '../http/route.ts';
import { SPOT_SYMBOLS } from '../spot/symbols.ts';

type Answering = (visit: Visit, account: Account) => JsonValue;

/** What has nothing to list here: no deposits, no sub-accounts, no loans. */
const EMPTY_LISTS = [
  '/sapi/v1/capital/deposit/hisrec',
  '/sapi/v1/capital/deposit/subHisrec',
  '/sapi/v1/capital/withdraw/address/list',
  '/sapi/v1/sub-account/sub/transfer/history',
  '/sapi/v1/sub-account/transfer/subUserHistory',
  '/sapi/v1/convert/assetInfo',
  '/sapi/v1/asset/custody/transfer-history',
];

/** Pages without rows. */
const EMPTY_PAGES = [
  '/sapi/v1/asset/transfer',
  '/sapi/v1/asset/assetDividend',
  '/sapi/v1/simple-earn/flexible/list',
  '/sapi/v1/simple-earn/locked/list',
  '/sapi/v1/simple-earn/flexible/position',
  '/sapi/v1/simple-earn/locked/position',
];

const ANSWERS: Readonly<Record<string, Answering>> = {
  '/sapi/v1/capital/deposit/address': ({ parameters }) => ({
    coin: parameters.need('coin'),
    address: '0x6915f16f8791d0a1cc2bf47c13a6b2a92000504b',
    tag: '',
    url: 'https://etherscan.io/address/0x6915f16f8791d0a1cc2bf47c13a6b2a92000504b',
  }),
  '/sapi/v1/capital/deposit/address/list': ({ parameters }) => [
    {
      coin: parameters.need('coin'),
      address: '0x6915f16f8791d0a1cc2bf47c13a6b2a92000504b',
      tag: '',
      isDefault: 1,
    },
  ],
  '/sapi/v1/capital/withdraw/history': ({ exchange }, { apiKey }) =>
    exchange.withdrawals
      .filter((withdrawal) => withdrawal.apiKey === apiKey)
      .map(({ apiKey: _key, applyTime, ...withdrawal }) => ({
        ...withdrawal,
        applyTime: new Date(applyTime).toISOString().slice(0, 19).replace('T', ' '),
        ...{ status: 6, network: 'ETH', transferType: 0, transactionFee: '0.0001', confirmNo: 12 },
        ...{ info: '', txId: '', walletType: 0, txKey: '' },
      })),
  '/sapi/v1/asset/tradeFee': ({ parameters }) =>
    SPOT_SYMBOLS.filter(({ symbol }) => (parameters.get('symbol') ?? symbol) === symbol).map(
      ({ symbol }) => ({ symbol, makerCommission: '0.001', takerCommission: '0.001' }),
    ),
  '/sapi/v1/asset/assetDetail': ({ parameters }) =>
    Object.fromEntries(
      assets()
        .filter((asset) => (parameters.get('asset') ?? asset) === asset)
        .map((asset) => [
          asset,
          {
            minWithdrawAmount: '0.00100000',
            depositStatus: true,
            withdrawFee: '0.0001',
            withdrawStatus: true,
          },
        ]),
    ),
  '/sapi/v1/asset/dribblet': () => ({ total: 0, userAssetDribblets: [] }),
  '/sapi/v1/asset/wallet/balance': () =>
    ['Spot', 'Funding', 'Cross Margin', 'Isolated Margin', 'USDⓈ-M Futures', 'COIN-M Futures'].map(
      (walletName) => ({ activate: true, balance: '0', walletName }),
    ),
  '/sapi/v1/account/info': (_visit, { restrictions }) => ({
    vipLevel: 0,
    isMarginEnabled: restrictions.enableMargin,
    isFutureEnabled: restrictions.enableFutures,
    isOptionsEnabled: restrictions.enableVanillaOptions,
    isPortfolioMarginRetailEnabled: restrictions.enablePortfolioMarginTrading,
  }),
  '/sapi/v1/account/apiTradingStatus': ({ nowMs }) => ({
    data: { isLocked: false, plannedRecoverTime: 0, triggerCondition: {}, updateTime: nowMs },
  }),
  '/sapi/v1/accountSnapshot': snapshot,
  '/sapi/v1/bnbBurn': () => ({ spotBNBBurn: true, interestBNBBurn: false }),
  '/sapi/v1/sub-account/list': () => ({ subAccounts: [] }),
  '/sapi/v4/sub-account/assets': () => ({ balances: [] }),
  '/sapi/v3/sub-account/assets': () => ({ balances: [] }),
  '/sapi/v1/sub-account/spotSummary': () => ({
    totalCount: 0,
    masterAccountTotalAsset: '0',
    spotSubUserAssetBtcVoList: [],
  }),
  '/sapi/v1/sub-account/status': () => [],
  '/sapi/v1/sub-account/universalTransfer': () => ({ result: [], totalCount: 0 }),
};

/** What wallets show, as libraries ask for it when they start. */
export function walletReadRoutes(): Route[] {
  return [
    ...EMPTY_LISTS.map((path) => signedRoute(`GET ${path}`, {}, () => [])),
    ...EMPTY_PAGES.map((path) => signedRoute(`GET ${path}`, {}, () => ({ total: 0, rows: [] }))),
    ...Object.entries(ANSWERS).map(([path, answer]) => signedRoute(`GET ${path}`, {}, answer)),
    signedRoute('POST /sapi/v1/asset/get-funding-asset', { permission: 'enableReading' }, () => []),
  ];
}

/** The account of today; nothing was kept of the days before. */
function snapshot({ exchange, parameters, nowMs }: Visit, account: Account): JsonObject {
  const type = parameters.need('type').toLowerCase();
  const balances = [...exchange.ledger.balances(account.owner)].map(([asset, { free, locked }]) => ({
    asset,
    free: amount(free),
    locked: amount(locked),
  }));
  const data: Readonly<Record<string, JsonObject>> = {
    spot: { balances, totalAssetOfBtc: amount(ZERO) },
    margin: { marginLevel: '999', totalAssetOfBtc: '0', totalLiabilityOfBtc: '0', userAssets: [] },
    futures: { assets: [], position: [] },
  };
  return { code: 200, msg: '', snapshotVos: [{ type, updateTime: nowMs, data: data[type] ?? {} }] };
}

function assets(): string[] {
  return ['USDT', ...SPOT_SYMBOLS.map(({ baseAsset }) => baseAsset)];
}
