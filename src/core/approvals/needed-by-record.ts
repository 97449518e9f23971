import { type ApprovalRules, type Client, PROXY_CLIENT } from '../access/client.ts';
import type { Call } from '../call/call.ts';
import { encodeComponent } from '../call/form.ts';
import type { Endpoint } from '../catalogue/endpoint.ts';
import type { Permission } from '../catalogue/permission.ts';
import { type Decimal, ExactDecimal } from '../decimal.ts';
import { ProxyError } from '../errors.ts';
import type { IntendedOrder } from '../orders/intended-order.ts';
import { statedValue } from '../orders/notional.ts';
import { callParameters, readIntendedOrders } from '../orders/read-orders.ts';
import { isReducing } from '../orders/reduces.ts';
import type { AuditRecord, UnsealedRecord } from '../records/record.ts';
import { parametersOf } from '../records/sent-orders.ts';
import { isTransfer, transferredAmount } from './transfer.ts';
import { isAskedByWorth, isNeverAsked, whyAlwaysAsked } from './why-asked.ts';

/** The rules of a client as its record says them: lists in one text each. */
export function rulesDetail({
  above,
  permissions,
  symbols,
  outsideBand,
}: ApprovalRules): UnsealedRecord['detail'] {
  return {
    above: above && [...above].map(([asset, amount]) => `${asset}=${amount}`).join(','),
    permissions: [...permissions].join(','),
    symbols: [...symbols].join(','),
    outsideBand,
  };
}

/**
 * Whether a signed call needed an approval by the rules that its trail names. Prices of that time stand in no record, so
 * an order counts with what it says it is worth itself: one that says less than it was worth is passed over.
 */
export function neededByRecord(
  endpointOf: (record: AuditRecord) => Endpoint | undefined,
): (signed: AuditRecord, rules: AuditRecord) => boolean {
  return (signed, { detail = {} }) => {
    const endpoint = endpointOf(signed);
    if (endpoint === undefined) return false;
    const approval = readRules(detail);
    const client: Client = { ...PROXY_CLIENT, name: signed.client ?? '', approval };
    const call = callOf(signed, endpoint);
    if (isNeverAsked(endpoint, call)) return false;
    const orders = ordersOf(endpoint, call);
    const judged = { client, endpoint, call, orders, isOutsideBand: false };
    if (whyAlwaysAsked(judged) !== undefined) return true;
    if (!isAskedByWorth(judged)) return false;
    return isTransfer(endpoint) ? movesMore(approval, endpoint, call) : saysMore(approval, orders);
  };
}

function readRules(detail: NonNullable<AuditRecord['detail']>): ApprovalRules {
  const list = (name: string) =>
    String(detail[name] ?? '')
      .split(',')
      .filter((each) => each !== '');
  const amounts = list('above').map((text) => text.split('=') as [asset: string, amount: string]);
  return {
    above: detail.above === undefined ? undefined : new Map(amounts),
    permissions: new Set(list('permissions') as Permission[]),
    symbols: new Set(list('symbols')),
    outsideBand: false,
    quorum: 1,
    notBy: new Set(),
    holdMs: 0,
    decideMs: undefined,
    useMs: undefined,
    maxDrift: '0',
  };
}

/** The call as its record holds it: orders whole, other parameters as they are printed. */
function callOf({ orders, params = {} }: AuditRecord, { method, upstream, path }: Endpoint): Call {
  const entries = orders === undefined ? Object.entries(params) : [...parametersOf(path, orders)];
  const query = entries.flatMap(([name, value]) =>
    [value].flat().map((text) => ({ name, text: `${name}=${encodeComponent(text)}` })),
  );
  const stamp = { timestamp: undefined, recvWindow: undefined, signature: undefined };
  return { method, upstream, path, query, body: [], repeated: [], stamp };
}

function ordersOf(endpoint: Endpoint, call: Call): readonly IntendedOrder[] {
  try {
    return readIntendedOrders(endpoint, callParameters(call));
  } catch (error) {
    if (error instanceof ProxyError) return [];
    throw error;
  }
}

function movesMore({ above }: ApprovalRules, endpoint: Endpoint, call: Call): boolean {
  const moved = transferredAmount(endpoint, call);
  const limit = moved && above?.get(moved.asset);
  return moved === undefined || limit === undefined || moved.amount.gt(new ExactDecimal(limit));
}

/** The quote asset is told by the end of the symbol, on the markets where it ends it. */
function saysMore({ above }: ApprovalRules, orders: readonly IntendedOrder[]): boolean {
  const sums = new Map<string, Decimal>();
  for (const order of orders) {
    if (isReducing(order) || order.symbol === undefined) continue;
    if (order.market !== 'spot' && order.market !== 'usdm') continue;
    const { symbol } = order;
    const asset = [...(above?.keys() ?? [])].find((each) => symbol.endsWith(each));
    if (asset === undefined) return true;
    const said = statedValue(order);
    // Of two that exclude each other only one executes.
    if (said === undefined || order.exclusive !== undefined) continue;
    sums.set(asset, said.plus(sums.get(asset) ?? 0));
  }
  return sums.entries().some(([asset, sum]) => sum.gt(new ExactDecimal(above?.get(asset) ?? 0)));
}
