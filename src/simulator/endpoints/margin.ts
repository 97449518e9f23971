import type { JsonObject } from '../base/json-value.ts';
import { amount, ZERO } from '../base/money.ts';
import type { Parameters } from '../http/parameters.ts';
import { keyRoute, type Route, signedRoute } from '../http/route.ts';
import { SPOT_SYMBOLS, type SymbolRules } from '../spot/symbols.ts';
import { ORDER_RULES, readOrder } from './spot/order-form.ts';

/** /sapi/v1/margin: pairs, and orders that are accepted but never matched. */
export function marginRoutes(): Route[] {
  return [
    keyRoute('GET /sapi/v1/margin/allPairs', { rules: { symbol: {} } }, () => SPOT_SYMBOLS.map(pairView)),
    signedRoute('GET /sapi/v1/margin/isolated/allPairs', { weight: 10, rules: { symbol: {} } }, () =>
      SPOT_SYMBOLS.map(({ symbol, baseAsset, quoteAsset }) => ({
        symbol,
        base: baseAsset,
        quote: quoteAsset,
        isMarginTrade: true,
        isBuyAllowed: true,
        isSellAllowed: true,
      })),
    ),
    signedRoute(
      'POST /sapi/v1/margin/order',
      {
        permission: 'enableMargin',
        countedBy: 'UID',
        weight: orderWeight,
        rules: {
          ...ORDER_RULES,
          isIsolated: { legal: /^(TRUE|FALSE)$/i },
          sideEffectType: { legal: /^(NO_SIDE_EFFECT|MARGIN_BUY|AUTO_REPAY|AUTO_BORROW_REPAY)$/ },
          autoRepayAtCancel: { legal: /^(true|false)$/i },
        },
      },
      ({ exchange, parameters, nowMs }) => {
        const request = readOrder(parameters, exchange.spot.market(parameters.need('symbol')));
        const orderId = exchange.nextTransferId();
        return {
          symbol: request.symbol,
          orderId,
          clientOrderId: request.clientOrderId ?? `margin-${orderId}`,
          transactTime: nowMs,
          price: amount(request.price ?? ZERO),
          origQty: amount(request.quantity ?? ZERO),
          executedQty: amount(ZERO),
          cummulativeQuoteQty: amount(ZERO),
          status: 'NEW',
          timeInForce: request.timeInForce,
          type: request.type,
          side: request.side,
          fills: [],
          isIsolated: parameters.get('isIsolated')?.toUpperCase() === 'TRUE',
          selfTradePreventionMode: request.selfTradeMode,
        };
      },
    ),
  ];
}

/** Orders that borrow cost 1500 since 2026-05-07. */
function orderWeight(parameters: Parameters): number {
  return /^(MARGIN_BUY|AUTO_BORROW_REPAY)$/.test(parameters.get('sideEffectType') ?? '') ? 1_500 : 6;
}

function pairView({ symbol, baseAsset, quoteAsset }: SymbolRules, position: number): JsonObject {
  return {
    id: 351_637_150_141 + position,
    symbol,
    base: baseAsset,
    quote: quoteAsset,
    isMarginTrade: true,
    isBuyAllowed: true,
    isSellAllowed: true,
  };
}
