import type { AuditRecord } from '../core/records/record.ts';
import { parametersOf } from '../core/records/sent-orders.ts';
import { UPSTREAM_NAMES } from '../core/upstream.ts';
import type { UnknownCall } from './order-lookup.ts';

/** A signed call as its record names it; undefined when it says too little to ask for its orders. */
export function toUnknownCall(record: AuditRecord): UnknownCall | undefined {
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
