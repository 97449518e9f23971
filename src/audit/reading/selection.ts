import type { AuditRecord } from '../../core/records/record.ts';

/** Which records to show. An undefined member does not restrict. */
export interface Selection {
  readonly client?: string | undefined;
  readonly outcome?: string | undefined;
  readonly event?: string | undefined;
  /** The proxy's own refusal, such as PROXY_ORDER_REFUSED. */
  readonly error?: string | undefined;
  /** From `sinceMs` to before `untilMs`, in ms since the epoch. */
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
  readonly symbol?: string | undefined;
  readonly orderId?: string | undefined;
  readonly clientOrderId?: string | undefined;
}

/** True when a subject is asked for. Then all records of a matching call are shown. */
export function asksForSubject({ symbol, orderId, clientOrderId }: Selection): boolean {
  return symbol !== undefined || orderId !== undefined || clientOrderId !== undefined;
}

/** True when the record itself names the symbol, order or client order id that is asked for. */
export function namesSubject(record: AuditRecord, selection: Selection): boolean {
  const { symbol, orderId, clientOrderId } = selection;
  if (symbol !== undefined && !hasValue(record, ['symbol', 'symbols'], symbol)) return false;
  if (orderId !== undefined && !isOrder(record, record.orderId, ORDER_ID, orderId)) return false;
  return clientOrderId === undefined || isOrder(record, record.clientOrderId, CLIENT_ORDER_ID, clientOrderId);
}

/** True when the record meets the rest of the selection, which each record has to meet by itself. */
export function isSelected(record: AuditRecord, selection: Selection): boolean {
  const { client, outcome, event, error, sinceMs, untilMs } = selection;
  if (client !== undefined && record.client !== client) return false;
  if (outcome !== undefined && record.outcome !== outcome) return false;
  if (error !== undefined && record.error !== error) return false;
  if (event !== undefined && record.event !== event && !record.event.startsWith(`${event}.`)) return false;
  if (sinceMs === undefined && untilMs === undefined) return true;
  const timeMs = Date.parse(record.time);
  return (sinceMs === undefined || timeMs >= sinceMs) && (untilMs === undefined || timeMs < untilMs);
}

const ORDER_ID = /^(?:cancel)?(?:order|orderList|algo|strategy)Ids?(?:List)?$/i;
const CLIENT_ORDER_ID = /client\w*id/i;

function isOrder(
  record: AuditRecord,
  field: string | readonly string[] | undefined,
  name: RegExp,
  wanted: string,
): boolean {
  if (field !== undefined && [field].flat().includes(wanted)) return true;
  return saidIn(record).some((params) =>
    Object.keys(params).some(
      (key) =>
        (name.test(key) && mentions(params[key], wanted)) ||
        (isList(params[key]) && quotes(params[key], wanted)),
    ),
  );
}

function hasValue(record: AuditRecord, names: readonly string[], wanted: string): boolean {
  return saidIn(record).some((params) =>
    Object.keys(params).some(
      (key) =>
        (names.includes(key) && mentions(params[key], wanted)) ||
        (isList(params[key]) && quotes(params[key], wanted)),
    ),
  );
}

/** What a record says: its orders, which are whole, or else the parameters as far as they were printed. */
function saidIn({ orders, params = {} }: AuditRecord): readonly Readonly<Record<string, Value>>[] {
  return orders ?? [params];
}

type Value = string | readonly string[] | undefined;

/** True when the value equals the wanted one or is a comma or JSON list with it. */
function mentions(value: Value, wanted: string): boolean {
  return [value ?? []].flat().some((one) => one === wanted || one.split(/[",[\]\s]+/).includes(wanted));
}

/** True for the JSON text of a batch of orders. */
function isList(value: Value): value is string {
  return typeof value === 'string' && (value.startsWith('[') || value.startsWith('{'));
}

function quotes(value: string, wanted: string): boolean {
  return value.split(/[^\w.:/-]+/).includes(wanted);
}
