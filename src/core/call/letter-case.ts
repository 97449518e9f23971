import { malformedRequest } from '../errors.ts';
import { jsonElements, jsonSources } from '../json.ts';
import { allPairs, type Call } from './call.ts';
import { decodedValue } from './form.ts';

/** What a leg of an order list says, behind `above`, `pendingBelow` and the like. */
const OF_A_LEG = [
  ...['Type', 'Side', 'Quantity', 'Price', 'StopPrice', 'TrailingDelta', 'IcebergQty', 'TimeInForce'],
  ...['ClientOrderId', 'StrategyId', 'StrategyType', 'PegPriceType', 'PegOffsetType', 'PegOffsetValue'],
];
const LEGS = ['above', 'below', 'working', 'pending', 'pendingAbove', 'pendingBelow', 'limit', 'stop'];

/** The parameters that carry a batch: each element is an order with names of its own. */
const BATCHES: ReadonlySet<string> = new Set(['batchOrders', 'orders']);

/** Every parameter of a call that places or amends, as Binance spells it. */
const SPELLINGS: ReadonlySet<string> = new Set([
  ...['symbol', 'side', 'positionSide', 'type', 'orderType', 'strategyType', 'strategyId', 'algoType'],
  ...['quantity', 'quoteOrderQty', 'newQty', 'notional', 'icebergQty', 'limitIcebergQty', 'stopIcebergQty'],
  ...['price', 'stopPrice', 'limitPrice', 'triggerPrice', 'activatePrice', 'activationPrice', 'workingType'],
  ...[
    'stopLimitPrice',
    'stopLimitTimeInForce',
    'trailingDelta',
    'callbackRate',
    'priceProtect',
    'priceMatch',
  ],
  ...['pegPriceType', 'pegOffsetType', 'pegOffsetValue', 'timeInForce', 'goodTillDate', 'tradingSession'],
  ...[
    'reduceOnly',
    'closePosition',
    'postOnly',
    'isMmp',
    'sideEffectType',
    'isIsolated',
    'autoRepayAtCancel',
  ],
  ...['newClientOrderId', 'clientOrderId', 'origClientOrderId', 'orderId', 'modifyId', 'listClientOrderId'],
  ...['clientAlgoId', 'newClientStrategyId', 'cancelReplaceMode', 'cancelOrderId', 'cancelOrigClientOrderId'],
  ...['cancelNewClientOrderId', 'cancelRestrictions', 'orderRateLimitExceededMode', 'newOrderRespType'],
  ...['selfTradePreventionMode', 'computeCommissionRates', 'duration', 'urgency', 'quoteId', 'baseAsset'],
  ...[
    'quoteAsset',
    'baseAmount',
    'quoteAmount',
    'walletType',
    'expiredType',
    'validTime',
    'batchOrders',
    'orders',
  ],
  ...['recvWindow', 'timestamp', 'signature', 'apiKey'],
  ...LEGS.flatMap((leg) => OF_A_LEG.map((name) => leg + name)),
]);

const LOWER: ReadonlySet<string> = new Set(Array.from(SPELLINGS, (name) => name.toLowerCase()));

/**
 * Refuses names that differ from Binance's only in letter case: one reader takes `Quantity` for `quantity`, another
 * passes it over, and what was judged would not be what is traded. Elements of a batch are looked at as well.
 * @throws ProxyError PROXY_MALFORMED_REQUEST; what `jsonElements` throws for a batch that cannot be read
 */
export function assertLetterCase(call: Call): void {
  for (const pair of allPairs(call)) {
    assertSpelling(pair.name);
    if (!BATCHES.has(pair.name)) continue;
    const text = decodedValue(pair);
    if (text === undefined || text === '') continue;
    for (const element of jsonElements(text))
      for (const { name } of jsonSources(element)) assertSpelling(name);
  }
}

function assertSpelling(name: string): void {
  if (SPELLINGS.has(name) || !LOWER.has(name.toLowerCase())) return;
  throw malformedRequest('a parameter name has another letter case than Binance’s');
}
