import type { Account } from '../../accounts/accounts.ts';
import { ExchangeError } from '../../base/exchange-error.ts';
import type { JsonObject } from '../../base/json-value.ts';
import { amount, ZERO } from '../../base/money.ts';
import type { FuturesOrder } from '../../futures/order.ts';
import { FUTURES_COMMISSION_RATE } from '../../futures/portfolio.ts';
import { type Route, signedRoute, type Visit } from '../../http/route.ts';

const INVERSE_ASSETS = ['BTC', 'ETH'];
const SUCCESS = { code: 200, msg: 'success' };
/** What is empty on both families. */
const EMPTY_LISTS = ['income', 'forceOrders', 'positionMargin/history', 'orderAmendment'];
/** COIN-M is not matched here. */
const EMPTY_INVERSE_LISTS = ['openOrders', 'allOrders', 'userTrades'];

/** What libraries ask of USD-M and COIN-M beside wallets and positions: modes, rates, brackets, histories. */
export function futuresAccountReadRoutes(): Route[] {
  return [...sharedRoutes('/fapi'), ...sharedRoutes('/dapi'), ...linearRoutes(), ...inverseRoutes()];
}

function sharedRoutes(prefix: '/fapi' | '/dapi'): Route[] {
  const commission = prefix === '/fapi' ? ['0.000200', '0.000400'] : ['0.00010', '0.00050'];
  return [
    ...EMPTY_LISTS.map((name) => signedRoute(`GET ${prefix}/v1/${name}`, {}, () => [])),
    signedRoute(`GET ${prefix}/v1/positionSide/dual`, {}, () => ({ dualSidePosition: false })),
    signedRoute(`POST ${prefix}/v1/positionSide/dual`, { permission: 'enableFutures' }, ({ parameters }) => {
      if (parameters.get('dualSidePosition')?.toLowerCase() === 'true') return SUCCESS;
      throw new ExchangeError(-4059, 'No need to change position side.');
    }),
    signedRoute(`POST ${prefix}/v1/marginType`, { permission: 'enableFutures' }, ({ parameters }) => {
      if (parameters.get('marginType')?.toUpperCase() !== 'CROSSED') return SUCCESS;
      throw new ExchangeError(-4046, 'No need to change margin type.');
    }),
    signedRoute(`GET ${prefix}/v1/commissionRate`, {}, ({ parameters }) => ({
      symbol: parameters.need('symbol'),
      makerCommissionRate: commission[0],
      takerCommissionRate: commission[1],
      rpiCommissionRate: '0.00005000',
    })),
    signedRoute(`GET ${prefix}/v1/adlQuantile`, {}, () => []),
  ];
}

function linearRoutes(): Route[] {
  return [
    signedRoute('GET /fapi/v1/leverageBracket', {}, ({ exchange, parameters }) => {
      const wanted = parameters.get('symbol');
      if (wanted !== undefined) return [linearBracket(exchange.spot.market(wanted).rules.symbol)];
      return [...exchange.spot.markets.keys()].map(linearBracket);
    }),
    signedRoute('GET /fapi/v1/multiAssetsMargin', {}, () => ({ multiAssetsMargin: false })),
    signedRoute('POST /fapi/v1/multiAssetsMargin', { permission: 'enableFutures' }, () => SUCCESS),
    signedRoute('POST /fapi/v1/feeBurn', { permission: 'enableFutures' }, () => SUCCESS),
    signedRoute('GET /fapi/v1/feeBurn', {}, () => ({ feeBurn: true })),
    signedRoute('GET /fapi/v1/apiTradingStatus', {}, ({ nowMs }) => ({ indicators: {}, updateTime: nowMs })),
    signedRoute('GET /fapi/v1/accountConfig', {}, (_visit, { restrictions }) => ({
      feeTier: 0,
      canTrade: restrictions.enableFutures,
      canDeposit: true,
      canWithdraw: true,
      dualSidePosition: false,
      updateTime: 0,
      multiAssetsMargin: false,
      tradeGroupId: -1,
    })),
    signedRoute('GET /fapi/v1/symbolConfig', {}, ({ exchange, parameters }, { owner }) =>
      [...exchange.spot.markets.keys()]
        .filter((symbol) => (parameters.get('symbol') ?? symbol) === symbol)
        .map((symbol) => ({
          symbol,
          marginType: 'CROSSED',
          isAutoAddMargin: false,
          leverage: exchange.futures.leverageOf(owner, symbol),
          maxNotionalValue: '1000000',
        })),
    ),
    signedRoute('GET /fapi/v1/userTrades', {}, userTrades),
  ];
}

function inverseRoutes(): Route[] {
  const bracketsOf = (name: 'symbol' | 'pair') => () =>
    INVERSE_ASSETS.map((asset) => ({
      [name]: name === 'pair' ? `${asset}USD` : `${asset}USD_PERP`,
      brackets: [
        {
          ...{ bracket: 1, initialLeverage: 125, qtyCap: 50, qtyFloor: 0 },
          ...{ qtylFloor: 0, maintMarginRatio: 0.004, cum: 0 },
        },
      ],
    }));
  return [
    ...EMPTY_INVERSE_LISTS.map((name) => signedRoute(`GET /dapi/v1/${name}`, {}, () => [])),
    signedRoute('GET /dapi/v1/account', {}, ({ nowMs }, { restrictions }) => ({
      feeTier: 0,
      canTrade: restrictions.enableFutures,
      canDeposit: true,
      canWithdraw: true,
      updateTime: 0,
      assets: INVERSE_ASSETS.map((asset) => ({ asset, ...emptyWallet(nowMs) })),
      positions: INVERSE_ASSETS.map((asset) => inversePosition(`${asset}USD_PERP`)),
    })),
    signedRoute('GET /dapi/v1/balance', {}, ({ nowMs }) =>
      INVERSE_ASSETS.map((asset) => ({
        accountAlias: 'SgsR',
        asset,
        balance: amount(ZERO),
        withdrawAvailable: amount(ZERO),
        crossWalletBalance: amount(ZERO),
        crossUnPnl: amount(ZERO),
        availableBalance: amount(ZERO),
        updateTime: nowMs,
      })),
    ),
    signedRoute('GET /dapi/v1/positionRisk', {}, () => []),
    signedRoute('GET /dapi/v1/leverageBracket', {}, bracketsOf('pair')),
    signedRoute('GET /dapi/v2/leverageBracket', {}, bracketsOf('symbol')),
    signedRoute('POST /dapi/v1/leverage', { permission: 'enableFutures' }, ({ parameters }) => ({
      leverage: parameters.integer('leverage') ?? 0,
      maxQty: '100',
      symbol: parameters.need('symbol'),
    })),
  ];
}

function linearBracket(symbol: string): JsonObject {
  return {
    symbol,
    notionalCoef: 1,
    brackets: [
      {
        ...{ bracket: 1, initialLeverage: 125, notionalCap: 50_000, notionalFloor: 0 },
        ...{ maintMarginRatio: 0.004, cum: 0 },
      },
      {
        ...{ bracket: 2, initialLeverage: 20, notionalCap: 1_000_000, notionalFloor: 50_000 },
        ...{ maintMarginRatio: 0.025, cum: 1_050 },
      },
    ],
  };
}

function userTrades({ exchange, parameters }: Visit, { owner }: Account): JsonObject[] {
  const symbol = parameters.need('symbol');
  const orderId = parameters.integer('orderId');
  return exchange.futures
    .portfolio(owner)
    .orders.filter(({ status, request }) => status === 'FILLED' && request.symbol === symbol)
    .filter((order) => (orderId ?? order.orderId) === order.orderId)
    .slice(-(parameters.integer('limit') ?? 500))
    .map(tradeView);
}

/** An order fills as a whole, so that its trade may go by its number. */
function tradeView({ orderId, request, executed, averagePrice, updateTimeMs }: FuturesOrder): JsonObject {
  const quote = executed.mul(averagePrice);
  return {
    ...{ symbol: request.symbol, id: orderId, orderId, side: request.side, positionSide: 'BOTH' },
    ...{ price: averagePrice.toFixed(), qty: executed.toFixed(), quoteQty: quote.toFixed() },
    ...{ realizedPnl: '0', commission: amount(quote.mul(FUTURES_COMMISSION_RATE)), commissionAsset: 'USDT' },
    ...{ time: updateTimeMs, buyer: request.side === 'BUY', maker: false },
  };
}

function emptyWallet(updateTime: number): JsonObject {
  const names = [
    ...['walletBalance', 'unrealizedProfit', 'marginBalance', 'maintMargin', 'initialMargin'],
    ...['positionInitialMargin', 'openOrderInitialMargin', 'maxWithdrawAmount', 'crossWalletBalance'],
    ...['crossUnPnl', 'availableBalance'],
  ];
  return { ...Object.fromEntries(names.map((name) => [name, amount(ZERO)])), updateTime };
}

function inversePosition(symbol: string): JsonObject {
  return {
    ...{ symbol, initialMargin: '0', maintMargin: '0', unrealizedProfit: '0.00000000' },
    ...{ positionInitialMargin: '0', openOrderInitialMargin: '0', leverage: '20', isolated: false },
    ...{ positionSide: 'BOTH', entryPrice: '0.0', breakEvenPrice: '0.0', maxQty: '100', updateTime: 0 },
    ...{ positionAmt: '0', notionalValue: '0', isolatedWallet: '0' },
  };
}
