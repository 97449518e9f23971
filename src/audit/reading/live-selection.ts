import type { AuditRecord } from '../../core/records/record.ts';
import { asksForSubject, isSelected, namesSubject, type Selection } from './selection.ts';

/** So many calls under way are remembered; what was forgotten is shown only where it names the subject itself. */
const MOST_CALLS = 10_000;

/** Chooses records while they come: the end of a call is shown when its beginning named what is asked for. */
export class LiveSelection {
  readonly #selection: Selection;
  readonly #calls = new Set<string>();

  constructor(selection: Selection) {
    this.#selection = selection;
  }

  shows(record: AuditRecord): boolean {
    return this.#isAbout(record) && isSelected(record, this.#selection);
  }

  #isAbout(record: AuditRecord): boolean {
    if (!asksForSubject(this.#selection)) return true;
    const { requestId, event, outcome } = record;
    if (requestId === undefined) return namesSubject(record, this.#selection);
    if (!this.#calls.has(requestId) && !namesSubject(record, this.#selection)) return false;
    const isEnd = event === 'call.refused' || event === 'call.resolved' || event === 'call.completed';
    if (isEnd && outcome !== 'unknown') this.#calls.delete(requestId);
    else this.#remember(requestId);
    return true;
  }

  #remember(requestId: string): void {
    this.#calls.add(requestId);
    if (this.#calls.size <= MOST_CALLS) return;
    for (const oldest of this.#calls) {
      this.#calls.delete(oldest);
      return;
    }
  }
}
