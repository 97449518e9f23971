import type { AuditRecord } from '../../core/records/record.ts';
import { isSelected, namesSubject, type Selection } from '../reading/selection.ts';

/** What is searched for: a selection, or one thing of which only the id is known. */
export interface RecordQuery extends Selection {
  /** Of a request, an order, or a client order id. */
  readonly id?: string | undefined;
}

/** One record with its text. */
export interface FoundRecord {
  readonly text: string;
  readonly record: AuditRecord;
}

/** So many ends of calls wait for their beginnings; of more than that the latest are given up. */
const MOST_HELD = 20_000;

/**
 * Chooses records that come from the latest to the first. What names the subject is mostly the beginning of a call, so
 * that the end of a call is held until its beginning has come.
 */
export class BackwardSelection {
  readonly #query: RecordQuery;
  readonly #held = new Map<string, FoundRecord[]>();
  /** Calls whose beginning has named the subject already. */
  readonly #known = new Set<string>();

  constructor(query: RecordQuery) {
    this.#query = query;
  }

  /** What is chosen now that this one has come: itself, and what was held for it. */
  take(found: FoundRecord): readonly FoundRecord[] {
    if (!isSelected(found.record, { ...this.#query, event: undefined, outcome: undefined, error: undefined }))
      return [];
    return this.#about(found).filter(({ record }) => isSelected(record, this.#query));
  }

  #about(found: FoundRecord): readonly FoundRecord[] {
    const { requestId } = found.record;
    if (!asksForOne(this.#query)) return [found];
    if (namesIt(found.record, this.#query)) {
      if (requestId === undefined) return [found];
      const held = this.#held.get(requestId) ?? [];
      this.#held.delete(requestId);
      this.#known.add(requestId);
      return [...held, found];
    }
    if (requestId === undefined) return [];
    if (this.#known.has(requestId)) return [found];
    this.#hold(requestId, found);
    return [];
  }

  #hold(requestId: string, found: FoundRecord): void {
    const held = this.#held.get(requestId);
    if (held === undefined) this.#held.set(requestId, [found]);
    else held.push(found);
    if (this.#held.size <= MOST_HELD) return;
    for (const oldest of this.#held.keys()) {
      this.#held.delete(oldest);
      return;
    }
  }
}

function asksForOne({ id, symbol, orderId, clientOrderId }: RecordQuery): boolean {
  return id !== undefined || symbol !== undefined || orderId !== undefined || clientOrderId !== undefined;
}

function namesIt(record: AuditRecord, query: RecordQuery): boolean {
  if (!namesSubject(record, query)) return false;
  const { id } = query;
  if (id === undefined || record.requestId === id) return true;
  return namesSubject(record, { orderId: id }) || namesSubject(record, { clientOrderId: id });
}
