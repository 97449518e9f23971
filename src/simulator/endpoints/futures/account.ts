import type { Account } from '../../accounts/accounts.ts';
import type { JsonObject } from '../../base/json-value.ts';
import { amount, type Money, ZERO } from '../../base/money.ts';
import { type Route, signedRoute, type Visit } from '../../http/route.ts';
import { OPTIONAL_SYMBOL_RULE, SYMBOL_RULE } from '../spot/order-form.ts';

/** USD-M wallet, positions, leverage. */
export function futuresAccountRoutes(): Route[] {
  const versions = ['v2', 'v3'];
  return [
    ...versions.map((version) =>
      signedRoute(`GET /fapi/${version}/account`, { weight: 5, rules: {} }, (visit, account) =>
        accountView(visit, account, version === 'v2'),
      ),
    ),
    ...versions.map((version) =>
      signedRoute(`GET /fapi/${version}/balance`, { weight: 5, rules: {} }, (visit, account) => [
        balanceView(visit, account),
      ]),
    ),
    ...versions.map((version) =>
      signedRoute(
        `GET /fapi/${version}/positionRisk`,
        { weight: 5, rules: { symbol: OPTIONAL_SYMBOL_RULE } },
        (visit, account) => positionViews(visit, account, version === 'v2'),
      ),
    ),
    signedRoute(
      'POST /fapi/v1/leverage',
      {
        permission: 'enableFutures',
        rules: {
          symbol: SYMBOL_RULE,
          leverage: { mandatory: true, legal: /^(?:[1-9][0-9]?|1[01][0-9]|12[0-5])$/ },
        },
      },
      ({ exchange, parameters }, account) => {
        const { symbol } = exchange.spot.market(parameters.need('symbol')).rules;
        const leverage = Number(parameters.need('leverage'));
        exchange.futures.portfolio(account.owner).leverage.set(symbol, leverage);
        return { leverage, maxNotionalValue: '1000000', symbol };
      },
    ),
    signedRoute('GET /fapi/v1/rateLimit/order', { rules: {} }, ({ exchange, nowMs }) =>
      exchange.orderCounts.rateLimits('usdm', nowMs),
    ),
  ];
}

/** v2 lists every symbol among the positions, v3 only those with one. */
function accountView(visit: Visit, account: Account, everySymbol: boolean): JsonObject {
  const wallet = amount(visit.exchange.futures.portfolio(account.owner).wallet);
  const available = visit.exchange.futures.available(account.owner);
  const positions = positionViews(visit, account, everySymbol);
  const profit = amount(unrealised(visit, account));
  return {
    feeTier: 0,
    canTrade: account.restrictions.enableFutures,
    canDeposit: true,
    canWithdraw: true,
    updateTime: 0,
    multiAssetsMargin: false,
    tradeGroupId: -1,
    totalInitialMargin: amount(ZERO),
    totalMaintMargin: amount(ZERO),
    totalWalletBalance: wallet,
    totalUnrealizedProfit: profit,
    totalMarginBalance: wallet,
    totalPositionInitialMargin: amount(ZERO),
    totalOpenOrderInitialMargin: amount(ZERO),
    totalCrossWalletBalance: wallet,
    totalCrossUnPnl: profit,
    availableBalance: amount(available),
    maxWithdrawAmount: amount(available),
    assets: [
      {
        asset: 'USDT',
        walletBalance: wallet,
        unrealizedProfit: profit,
        marginBalance: wallet,
        maintMargin: amount(ZERO),
        initialMargin: amount(ZERO),
        positionInitialMargin: amount(ZERO),
        openOrderInitialMargin: amount(ZERO),
        crossWalletBalance: wallet,
        crossUnPnl: profit,
        availableBalance: amount(available),
        maxWithdrawAmount: amount(available),
        marginAvailable: true,
        updateTime: visit.nowMs,
      },
    ],
    positions,
  };
}

function balanceView(visit: Visit, account: Account): JsonObject {
  const wallet = amount(visit.exchange.futures.portfolio(account.owner).wallet);
  const available = amount(visit.exchange.futures.available(account.owner));
  return {
    accountAlias: 'SgsR',
    asset: 'USDT',
    balance: wallet,
    crossWalletBalance: wallet,
    crossUnPnl: amount(unrealised(visit, account)),
    availableBalance: available,
    maxWithdrawAmount: available,
    marginAvailable: true,
    updateTime: visit.nowMs,
  };
}

/** v2 lists every symbol, v3 only those with a position. */
function positionViews(
  { exchange, parameters, nowMs }: Visit,
  account: Account,
  everySymbol: boolean,
): JsonObject[] {
  const wanted = parameters.get('symbol');
  const { positions } = exchange.futures.portfolio(account.owner);
  return [...exchange.spot.markets.values()]
    .filter(({ rules }) => (wanted ?? rules.symbol) === rules.symbol)
    .filter(({ rules }) => everySymbol || positions.has(rules.symbol))
    .map(({ rules, lastPrice }) => {
      const { amount: held, entryPrice } = positions.get(rules.symbol) ?? { amount: ZERO, entryPrice: ZERO };
      const leverage = exchange.futures.leverageOf(account.owner, rules.symbol);
      const notional = held.mul(lastPrice);
      return {
        symbol: rules.symbol,
        positionSide: 'BOTH',
        positionAmt: held.toFixed(),
        entryPrice: amount(entryPrice),
        breakEvenPrice: amount(entryPrice),
        markPrice: amount(lastPrice),
        unRealizedProfit: amount(held.mul(lastPrice.sub(entryPrice))),
        unrealizedProfit: amount(held.mul(lastPrice.sub(entryPrice))),
        liquidationPrice: '0',
        leverage: String(leverage),
        marginType: 'cross',
        isolated: false,
        isolatedMargin: amount(ZERO),
        isolatedWallet: amount(ZERO),
        notional: amount(notional),
        marginAsset: 'USDT',
        initialMargin: amount(notional.abs().div(leverage)),
        maintMargin: amount(notional.abs().mul('0.025')),
        positionInitialMargin: amount(notional.abs().div(leverage)),
        openOrderInitialMargin: amount(ZERO),
        adl: 0,
        bidNotional: '0',
        askNotional: '0',
        isAutoAddMargin: 'false',
        maxNotionalValue: '1000000',
        maxNotional: '1000000',
        updateTime: nowMs,
      };
    });
}

function unrealised({ exchange }: Visit, account: Account): Money {
  let profit = ZERO;
  for (const [symbol, position] of exchange.futures.portfolio(account.owner).positions) {
    const mark = exchange.spot.market(symbol).lastPrice;
    profit = profit.add(position.amount.mul(mark.sub(position.entryPrice)));
  }
  return profit;
}
