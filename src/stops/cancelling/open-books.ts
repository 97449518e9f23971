import type { Permission } from '../../core/catalogue/permission.ts';
import type { UpstreamName } from '../../core/upstream.ts';

/** How the resting orders of one kind on one market are listed, and how one of them is cancelled. */
export interface OpenBook {
  /** For sentences and records. */
  readonly market: string;
  readonly upstream: UpstreamName;
  readonly permission: Permission;
  readonly listPath: string;
  readonly cancelPath: string;
  readonly cancelMethod: 'DELETE' | 'POST';
  /** The parameter that names the order to be cancelled; its value is the row's id. */
  readonly idName: string;
  /** How a list of orders is cancelled, by the `orderListId` of a row. */
  readonly listCancelPath?: string;
  /** The symbol goes with the cancel. */
  readonly namesSymbol: boolean;
  readonly isIsolated?: true;
  /** How the paths begin by which such orders are placed. */
  readonly placedBy: RegExp;
}

const PLAIN = { cancelMethod: 'DELETE', idName: 'orderId', namesSymbol: true } as const;
const ALGO = { cancelMethod: 'DELETE', idName: 'algoId', namesSymbol: false } as const;
const CONDITIONAL = { cancelMethod: 'DELETE', idName: 'strategyId', namesSymbol: true } as const;

const MARGIN = {
  ...PLAIN,
  upstream: 'spot',
  permission: 'spot-margin-trade',
  listPath: '/sapi/v1/margin/openOrders',
  cancelPath: '/sapi/v1/margin/order',
  listCancelPath: '/sapi/v1/margin/orderList',
  placedBy: /^\/sapi\/v\d\/margin\/order/,
} as const;

/** Every kind of resting order on every market. */
export const OPEN_BOOKS: readonly OpenBook[] = [
  {
    ...PLAIN,
    market: 'spot',
    upstream: 'spot',
    permission: 'spot-margin-trade',
    listPath: '/api/v3/openOrders',
    cancelPath: '/api/v3/order',
    listCancelPath: '/api/v3/orderList',
    placedBy: /^\/api\//,
  },
  { ...MARGIN, market: 'margin' },
  { ...MARGIN, market: 'isolated margin', isIsolated: true },
  {
    ...ALGO,
    market: 'spot algo',
    upstream: 'spot',
    permission: 'spot-margin-trade',
    listPath: '/sapi/v1/algo/spot/openOrders',
    cancelPath: '/sapi/v1/algo/spot/order',
    placedBy: /^\/sapi\/v\d\/algo\/spot\//,
  },
  {
    ...ALGO,
    market: 'futures algo',
    upstream: 'spot',
    permission: 'futures-trade',
    listPath: '/sapi/v1/algo/futures/openOrders',
    cancelPath: '/sapi/v1/algo/futures/order',
    placedBy: /^\/sapi\/v\d\/algo\/futures\//,
  },
  ...futures('usdm', '/fapi'),
  ...futures('coinm', '/dapi'),
  {
    ...PLAIN,
    market: 'options',
    upstream: 'options',
    permission: 'options-trade',
    listPath: '/eapi/v1/openOrders',
    cancelPath: '/eapi/v1/order',
    placedBy: /^\/eapi\//,
  },
  portfolio(PLAIN, 'um', 'um/openOrders', 'um/order'),
  portfolio(PLAIN, 'cm', 'cm/openOrders', 'cm/order'),
  portfolio(ALGO, 'um algo', 'um/algo/openAlgoOrders', 'um/algo/order'),
  portfolio(CONDITIONAL, 'um conditional', 'um/conditional/openOrders', 'um/conditional/order'),
  portfolio(CONDITIONAL, 'cm conditional', 'cm/conditional/openOrders', 'cm/conditional/order'),
  {
    ...portfolio(PLAIN, 'margin', 'margin/openOrders', 'margin/order'),
    listCancelPath: '/papi/v1/margin/orderList',
  },
];

function futures(upstream: 'usdm' | 'coinm', base: string): readonly OpenBook[] {
  const both = { upstream, permission: 'futures-trade' } as const;
  return [
    {
      ...PLAIN,
      ...both,
      market: upstream,
      listPath: `${base}/v1/openOrders`,
      cancelPath: `${base}/v1/order`,
      placedBy: new RegExp(`^${base}/v\\d/(?:order|batchOrders)`),
    },
    {
      ...ALGO,
      ...both,
      market: `${upstream} conditional`,
      listPath: `${base}/v1/openAlgoOrders`,
      cancelPath: `${base}/v1/algoOrder`,
      placedBy: new RegExp(`^${base}/v\\d/algoOrder`),
    },
  ];
}

function portfolio(
  kind: typeof PLAIN | typeof ALGO | typeof CONDITIONAL,
  market: string,
  list: string,
  cancel: string,
): OpenBook {
  return {
    ...kind,
    market: `portfolio ${market}`,
    upstream: 'portfolio',
    permission: 'portfolio-margin-trade',
    listPath: `/papi/v1/${list}`,
    cancelPath: `/papi/v1/${cancel}`,
    placedBy: new RegExp(`^/papi/v\\d/${cancel}`),
  };
}
