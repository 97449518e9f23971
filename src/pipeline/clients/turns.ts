import type { SharedLane } from '../../core/lanes.ts';

/** How many calls are begun in one turn of the event loop: some milliseconds of work. */
const MOST_IN_TURN = 8;

/** The lanes of one client among its own calls, the strongest first. Whose call it is decides before that. */
const LANES = ['cancels', 'orders', 'identified'] as const satisfies readonly SharedLane[];
export type TurnLane = (typeof LANES)[number];

type Begin = () => void;
type Waiting = Record<TurnLane, Begin[]>;

/**
 * Deals the one processor out. A few calls are begun at once; when more arrive in the same turn of the event loop, the
 * clients take turns, so that nobody's call waits for all the calls that another client sent before it.
 */
export class Turns {
  /** Who waits, in the order in which they are next. */
  readonly #waiting = new Map<string, Waiting>();
  #begun = 0;
  #isTurning = false;
  readonly #onTurn = () => this.#turn();

  /** Begins a call, now or when its client's turn has come. */
  take(client: string, lane: TurnLane, begin: Begin): void {
    if (!this.#isTurning) {
      this.#isTurning = true;
      setImmediate(this.#onTurn);
    }
    if (this.#begun < MOST_IN_TURN && this.#waiting.size === 0) {
      this.#begun++;
      begin();
      return;
    }
    const own = this.#waiting.get(client) ?? { cancels: [], orders: [], identified: [] };
    own[lane].push(begin);
    this.#waiting.set(client, own);
  }

  #turn(): void {
    this.#isTurning = this.#waiting.size > 0;
    if (this.#isTurning) setImmediate(this.#onTurn);
    this.#begun = 0;
    for (const [client, own] of this.#waiting) {
      if (this.#begun >= MOST_IN_TURN) return;
      this.#begun++;
      // Whoever has had its turn is the last to have the next one; this loop comes to it again.
      this.#waiting.delete(client);
      const begin = nextOf(own);
      if (LANES.some((lane) => own[lane].length > 0)) this.#waiting.set(client, own);
      begin?.();
    }
  }
}

function nextOf(own: Waiting): Begin | undefined {
  for (const lane of LANES) {
    const begin = own[lane].shift();
    if (begin !== undefined) return begin;
  }
  return undefined;
}
