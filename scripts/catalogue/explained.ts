/** Findings that have a reason: `SOURCE KIND NAME` or `KIND NAME` to the reason. */
const EXPLAINED: ReadonlyMap<string, string> = new Map([
  ['extra GET /sapi/v1/localentity/country/list', 'added in @binance/wallet 19.0.0'],
  ['extra GET /sapi/v1/localentity/region/list', 'added in @binance/wallet 19.0.0'],
  ['extra GET /sapi/v1/spot/asset/tags', 'added to the official connectors in August 2026'],
  ['security GET /api/v3/historicalBlockTrades', 'sources differ: the other libraries send no key'],
  ['security ws userDataStream.subscribe', 'is sent as userDataStream.subscribe.signature'],
  ['security ws userDataStream.subscribe.signature', 'is signed, as its name says'],
  ['missing GET /dapi/v1/pmAccountInfo', 'out of use since 2026-06-30'],
  ['missing GET /dapi/v1/pmExchangeInfo', 'out of use since COIN-M moved to the architecture of USD-M'],
  ['missing GET /sapi/v1/asset/convert-transfer/queryByPage', 'BUSD conversion, gone with BUSD'],
  ['missing POST /sapi/v1/asset/convert-transfer', 'BUSD conversion, gone with BUSD'],
  ['missing GET /sapi/v1/capital/contract/convertible-coins', 'BUSD conversion, gone with BUSD'],
  ['missing POST /sapi/v1/capital/contract/convertible-coins', 'BUSD conversion, gone with BUSD'],
  ['missing GET /sapi/v1/margin/loan', 'retired on 2024-03-31: borrow-repay'],
  ['missing GET /sapi/v1/margin/repay', 'retired on 2024-03-31: borrow-repay'],
  ['missing POST /sapi/v1/margin/isolated/transfer', 'retired on 2024-03-31: asset/transfer'],
  ['missing GET /sapi/v1/eth-staking/account', 'retired: version 2'],
  ['missing POST /sapi/v1/eth-staking/eth/stake', 'retired: version 2'],
  ['missing GET /sapi/v1/eth-staking/eth/history/rewardsHistory', 'retired: wbethRewardsHistory'],
  ['missing POST /sapi/v1/portfolio/mint', 'retired'],
  ['missing POST /sapi/v1/portfolio/redeem', 'retired'],
  ['missing GET /fapi/v1/lvtKlines', 'retired with leveraged tokens'],
  ['missing GET /sapi/v1/futures/histDataLink', 'for VIP on request, never documented in full'],
  ['missing GET /sapi/v1/futures/transfer', 'retired: asset/transfer'],
  ['missing POST /sapi/v1/futures/transfer', 'retired: asset/transfer'],
  ['missing ws userDataStream.start', 'retired on 2026-02-20'],
]);

/** Families that are retired, or belong to partners, by a part of their path. */
const FAMILIES: readonly (readonly [part: string, reason: string])[] = [
  ['/broker/', 'link partners'],
  ['/apiReferral/', 'referral partners'],
  ['/lending/', 'retired: simple earn'],
  ['/sapi/v1/staking/', 'retired: simple earn'],
  ['/bswap/', 'retired on 2024-04-15'],
  ['/blvt/', 'retired with leveraged tokens'],
  ['/sapi/v1/loan/ongoing', 'retired: version 2'],
  ['/sapi/v1/loan/loanable', 'retired: version 2'],
  ['/sapi/v1/loan/collateral', 'retired: version 2'],
  ['/sapi/v1/loan/repay', 'retired: version 2'],
  ['/sapi/v1/loan/borrow', 'retired: version 2'],
  ['/sapi/v1/loan/adjust', 'retired: version 2'],
  ['/sapi/v1/loan/customize', 'retired: version 2'],
  ['/userDataStream', 'retired on 2026-02-20'],
];

/** Reads of the futures for which ccxt reckons with numbers of its own; the official connectors agree with the catalogue. */
const CCXT_OWN: ReadonlySet<string> = new Set([
  'GET /dapi/v1/historicalTrades',
  'GET /dapi/v1/constituents',
  'GET /dapi/v1/fundingInfo',
  'GET /dapi/v1/leverageBracket',
  'GET /dapi/v1/income/asyn',
  'GET /dapi/v1/trade/asyn',
  'GET /dapi/v1/trade/asyn/id',
  'GET /dapi/v1/order/asyn',
  'GET /dapi/v1/order/asyn/id',
  'GET /fapi/v1/historicalTrades',
  'GET /fapi/v1/fundingRate',
  'GET /fapi/v1/fundingInfo',
  'GET /fapi/v1/convert/exchangeInfo',
  'GET /fapi/v1/convert/orderStatus',
  'GET /fapi/v1/feeBurn',
  'GET /fapi/v2/ticker/price',
  'GET /fapi/v2/account',
  'GET /fapi/v2/balance',
  'GET /fapi/v2/positionRisk',
  'GET /fapi/v3/account',
  'GET /fapi/v3/balance',
  'GET /fapi/v3/positionRisk',
]);

/** Why a finding is none; undefined when nobody has explained it. */
export function explanationOf(kind: string, name: string, source: string): string | undefined {
  if (
    kind === 'weight' &&
    source.startsWith('ccxt') &&
    (CCXT_OWN.has(name) || name.includes('/futures/data/'))
  )
    return 'ccxt reckons with a number of its own';
  return EXPLAINED.get(`${kind} ${name}`) ?? FAMILIES.find(([part]) => name.includes(part))?.[1];
}
