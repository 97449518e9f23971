import { NOT_YET } from '../redis-trouble.ts';

type Listener = (degraded: boolean, reason: string) => void;

/** Whether the shared store is used, and who is told when that changes. */
export class Degradation {
  readonly #listeners: Listener[] = [];
  /** As it was told; empty while the shared store is used. */
  #reason = '';

  get reason(): string {
    return this.#reason;
  }

  onChange(listener: Listener): void {
    this.#listeners.push(listener);
  }

  /** Takes a reason up; what is returned tells it, where it is news. A store that was slow to connect may turn out to refuse. */
  begin(reason: string): () => void {
    const isNews = this.#reason === '' || (this.#reason === NOT_YET && reason !== NOT_YET);
    if (!isNews) return () => {};
    this.#reason = reason;
    return () => this.#tell(true, reason);
  }

  end(): void {
    if (this.#reason === '') return;
    this.#reason = '';
    this.#tell(false, '');
  }

  #tell(degraded: boolean, reason: string): void {
    for (const listener of this.#listeners) listener(degraded, reason);
  }
}
