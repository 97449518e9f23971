import { openOrdersIn } from '../audit/reading/unfinished-orders.ts';
import type { Settings } from '../config/schema/settings.ts';
import type { AuditRecord } from '../core/records/record.ts';
import { parametersOf } from '../core/records/sent-orders.ts';
import { UPSTREAM_NAMES } from '../core/upstream.ts';
import type { UnknownCall } from './order-lookup.ts';
import type { OrderResolver } from './resolver.ts';

/**
 * Hands the orders that an earlier run left open in the audit folder to the resolver. What the folder holds is noted
 * now, before this run writes; it is read when the returned function is called.
 */
export function resumeUnfinishedOrders(settings: Settings, resolver: OrderResolver): () => Promise<void> {
  const { dir } = settings.audit;
  if (dir === undefined) return async () => {};
  const read = openOrdersIn(dir);
  return async () => {
    try {
      const calls = (await read()).flatMap((record) => toUnknownCall(record) ?? []);
      // Without its key an order cannot be asked for; it stays open in the audit until the account is back.
      resolver.restore(calls.filter(({ account }) => settings.accounts.has(account)));
    } catch {
      // A folder that cannot be read shows in readiness, and the next record says so; the proxy serves all the same.
    }
  };
}

/** The record says what was sent; undefined when it says too little to ask. */
function toUnknownCall(record: AuditRecord): UnknownCall | undefined {
  const { requestId, client, account, path } = record;
  const upstream = UPSTREAM_NAMES.find((name) => name === record.upstream);
  const sentAtMs = Date.parse(record.time);
  if (requestId === undefined || account === undefined || path === undefined || upstream === undefined)
    return undefined;
  const params = sentParameters(record, path);
  if (params === undefined || Number.isNaN(sentAtMs)) return undefined;
  return { requestId, client: client ?? '', account, upstream, path, params, sentAtMs };
}

/** Records of earlier versions have no orders: what they print of the parameters has to do. */
function sentParameters(
  { orders, params }: AuditRecord,
  path: string,
): ReadonlyMap<string, string> | undefined {
  if (orders !== undefined) return parametersOf(path, orders);
  if (params === undefined) return undefined;
  const sent = new Map<string, string>();
  for (const [name, value] of Object.entries(params)) {
    if (typeof value === 'string') sent.set(name, value);
  }
  return sent;
}
