import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { dayFiles } from '../../audit/file-names.ts';
import { readLines } from '../../audit/reading/read-lines.ts';
import type { AuditRecord } from '../../core/records/record.ts';
import type { OpenOrder } from './open-orders.ts';

/** What a resting order is known again by. */
export type WantedOrder = Pick<OpenOrder, 'account' | 'upstream' | 'symbol' | 'clientOrderIds' | 'id'>;

/** How long the event loop may be blocked at a time, in ms. */
const SLICE_MS = 10;
const MARK = Buffer.from('"clientOrderId":');
const CLIENT_IDS = /"clientOrderId":(?:"([^"]*)"|\[([^\]]*)\])/;
const ORDER_IDS = /"orderId":(?:"([^"]*)"|\[([^\]]*)\])/;

/**
 * Finds out which clients placed these resting orders, by the records of the audit folder, the newest day first. What is
 * found in none of them came from elsewhere.
 */
export async function placersOf<T extends WantedOrder>(
  folder: string,
  orders: readonly T[],
): Promise<ReadonlyMap<T, string>> {
  const search = new Search(orders);
  if (!existsSync(folder)) return search.found;
  for (const name of dayFiles(folder).toReversed()) {
    if (search.isOver) break;
    const path = join(folder, name);
    await readThrough(path, (line) => search.take(line));
    // What an amendment renamed is known by its number alone: whose that is says the record before it.
    if (search.hasCandidates) await readThrough(path, (line) => search.confirm(line));
  }
  return search.found;
}

async function readThrough(path: string, take: (line: Buffer) => void): Promise<void> {
  let sliceEndMs = performance.now() + SLICE_MS;
  for (const { bytes } of readLines(path)) {
    if (bytes.includes(MARK)) take(bytes);
    if (performance.now() < sliceEndMs) continue;
    await nextTurn();
    sliceEndMs = performance.now() + SLICE_MS;
  }
}

class Search<T extends WantedOrder> {
  readonly found = new Map<T, string>();
  readonly #byClientId = new Map<string, T[]>();
  readonly #byOrderId = new Map<string, T[]>();
  /** Calls whose answer named a wanted order number. */
  readonly #candidates = new Map<string, T[]>();
  readonly #wanted: number;

  constructor(orders: readonly T[]) {
    this.#wanted = orders.length;
    for (const order of orders) {
      for (const id of order.clientOrderIds) append(this.#byClientId, id, order);
      append(this.#byOrderId, order.id, order);
    }
  }

  get isOver(): boolean {
    return this.found.size === this.#wanted;
  }

  get hasCandidates(): boolean {
    return this.#candidates.size > 0;
  }

  take(line: Buffer): void {
    const text = line.toString('utf8');
    const isNamed = idsIn(CLIENT_IDS, text).some((id) => this.#byClientId.has(id));
    const isNumbered = idsIn(ORDER_IDS, text).some((id) => this.#byOrderId.has(id));
    if (!isNamed && !isNumbered) return;
    const record = parse(text);
    if (record === undefined) return;
    if (record.event === 'call.signed') {
      for (const id of listOf(record.clientOrderId))
        this.#match(record, this.#byClientId.get(id) ?? [], placesOrders(record));
    } else if (record.method !== 'DELETE' && record.requestId !== undefined) {
      const named = listOf(record.orderId).flatMap((id) => this.#byOrderId.get(id) ?? []);
      for (const order of named) append(this.#candidates, record.requestId, order);
    }
  }

  confirm(line: Buffer): void {
    const text = line.toString('utf8');
    if (!text.includes('"call.signed"')) return;
    const record = parse(text);
    const candidates = this.#candidates.get(record?.requestId ?? '');
    if (record?.event !== 'call.signed' || candidates === undefined) return;
    this.#match(record, candidates, placesOrders(record));
  }

  #match({ client, account, upstream, orders }: AuditRecord, wanted: readonly T[], is: boolean): void {
    if (!is || client === undefined) return;
    for (const order of wanted) {
      const isSame =
        order.account === account &&
        order.upstream === upstream &&
        (orders ?? []).some(({ symbol = '' }) => symbol.toUpperCase() === order.symbol);
      if (isSame) this.found.set(order, client);
    }
  }
}

/** A record of a signed call has orders where it placed or amended some; its ids are those that it gave. */
function placesOrders({ orders }: AuditRecord): boolean {
  return orders !== undefined && orders.length > 0;
}

function idsIn(pattern: RegExp, text: string): readonly string[] {
  const [, one, many] = pattern.exec(text) ?? [];
  if (one !== undefined) return [one];
  return many === undefined ? [] : many.split(',').map((id) => id.replaceAll('"', ''));
}

function listOf(ids: string | readonly string[] | undefined): readonly string[] {
  if (ids === undefined) return [];
  return typeof ids === 'string' ? [ids] : ids;
}

function append<T>(map: Map<string, T[]>, key: string, order: T): void {
  const orders = map.get(key);
  if (orders === undefined) map.set(key, [order]);
  else orders.push(order);
}

function parse(text: string): AuditRecord | undefined {
  try {
    return JSON.parse(text) as AuditRecord;
  } catch {
    return undefined;
  }
}
