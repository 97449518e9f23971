import type { Cancellations } from './cancelling/cancellations.ts';
import type { SharedStates } from './shared-states.ts';
import type { CountdownBeats } from './silence/countdown-beats.ts';
import type { StateBook } from './state-book.ts';
import type { StateFile } from './state-file.ts';
import { StopError } from './stop-error.ts';
import { type Scope, type StateEntry, scopeText } from './trading-state.ts';

export interface StateKeepingDeps {
  readonly book: StateBook;
  readonly cancellations: Cancellations;
  readonly file: StateFile | undefined;
  readonly shared: SharedStates | undefined;
  /** Clients whose silence counts, to be kept with the states. */
  readonly armed: () => readonly string[];
  readonly beats: () => Pick<CountdownBeats, 'kept'>;
}

/** Where states outlive the process: the file of this proxy, and what all proxies of one Redis know. */
export class StateKeeping {
  readonly #deps: StateKeepingDeps;

  constructor(deps: StateKeepingDeps) {
    this.#deps = deps;
  }

  /**
   * The revision that all proxies know it by.
   * @throws StopError for a looser state that they cannot be told
   */
  async share(draft: StateEntry, isLooser: boolean): Promise<StateEntry> {
    const { shared, book } = this.#deps;
    if (shared === undefined) return draft;
    try {
      const revision = await shared.put(draft);
      const entry = { ...draft, revision };
      if (!isLooser) book.take(entry);
      return entry;
    } catch (error) {
      if (!isLooser) return draft;
      const why = `Redis is away, and while it is only a stricter state is accepted: ${scopeText(draft)} stays as it is.`;
      throw new StopError('not-shared', why, { cause: error });
    }
  }

  /** True when it is on the disk. @param ended a scope whose cancelling is over */
  write(ended?: Scope): boolean {
    const { file, book, cancellations, armed, beats } = this.#deps;
    if (file === undefined) return false;
    const work = cancellations.work.filter(({ scope }) => ended === undefined || !isSameScope(scope, ended));
    try {
      file.write({ entries: book.entries(), work, armed: armed(), beats: beats().kept });
      return true;
    } catch {
      return false;
    }
  }

  /** What cannot be kept may not be loosened: a restart would not know which of the two holds. */
  assertKept(): void {
    if (this.#deps.file !== undefined && this.#deps.book.floor === undefined && !this.write())
      throw notKept();
  }
}

function isSameScope(one: Scope, other: Scope): boolean {
  return one.kind === other.kind && one.name === other.name;
}

export function notKept(): StopError {
  return new StopError('not-kept', 'The state file cannot be written: nothing was loosened.');
}
