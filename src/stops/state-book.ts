import {
  compareStates,
  type Scope,
  type StateEntry,
  scopeKey,
  supersedes,
  TRADING_STATES,
  type TradingState,
  WHOLE_PROXY,
} from './trading-state.ts';

/** Whom a call concerns. Symbols are asked for only where a symbol has a state. */
export interface Concerned {
  readonly client: string;
  readonly account: string | undefined;
  /** In capitals; undefined where nobody can say them. */
  readonly symbols: () => readonly string[] | undefined;
}

/**
 * The state of every scope that has one. A scope that was let go keeps its entry with the state `run`, so that an older
 * entry from elsewhere does not come back.
 */
export class StateBook {
  readonly #entries = new Map<string, StateEntry>();
  /** What binds now, by scope key: most calls find it empty. */
  readonly #binding = new Map<string, StateEntry>();
  #symbolsBinding = 0;
  #floor: StateEntry | undefined;

  /** Holds for everything beside the entries, until the state of the whole proxy is set or heard. */
  set floor(entry: StateEntry | undefined) {
    this.#floor = entry;
  }

  get floor(): StateEntry | undefined {
    return this.#floor;
  }

  get isFree(): boolean {
    return this.#binding.size === 0 && this.#floor === undefined;
  }

  get(scope: Scope): StateEntry | undefined {
    return this.#entries.get(scopeKey(scope));
  }

  /** The highest revision so far. */
  get revision(): number {
    let highest = 0;
    for (const { revision } of this.#entries.values()) if (revision > highest) highest = revision;
    return highest;
  }

  entries(): readonly StateEntry[] {
    return [...this.#entries.values()];
  }

  /** Takes an entry up, unless the one that is there holds against it. */
  take(entry: StateEntry): boolean {
    const key = scopeKey(entry);
    if (!supersedes(entry, this.#entries.get(key))) return false;
    this.#put(key, entry);
    return true;
  }

  /** Puts an entry back that could not be kept. */
  restore(scope: Scope, entry: StateEntry | undefined): void {
    const key = scopeKey(scope);
    if (entry !== undefined) {
      this.#put(key, entry);
      return;
    }
    this.#entries.delete(key);
    this.#bind(key, undefined);
  }

  /** The strictest entry that holds for a call; undefined while all of them let it run. */
  strictestFor({ client, account, symbols }: Concerned): StateEntry | undefined {
    if (this.isFree) return undefined;
    let strictest = this.#floor;
    const consider = (entry: StateEntry | undefined) => {
      if (entry === undefined) return;
      if (strictest === undefined || compareStates(entry.state, strictest.state) > 0) strictest = entry;
    };
    consider(this.#binding.get(scopeKey(WHOLE_PROXY)));
    consider(this.#binding.get(scopeKey({ kind: 'client', name: client })));
    if (account !== undefined) consider(this.#binding.get(scopeKey({ kind: 'account', name: account })));
    if (this.#symbolsBinding > 0) for (const entry of this.#ofSymbols(symbols())) consider(entry);
    return strictest;
  }

  /** How many scopes of a kind are in a state. */
  count(kind: Scope['kind'], state: TradingState): number {
    let count = 0;
    for (const entry of this.#binding.values()) if (entry.kind === kind && entry.state === state) count++;
    if (kind === 'proxy' && this.#floor?.state === state && count === 0) count = 1;
    return count;
  }

  /** A call whose symbols nobody can say may be about any of them. */
  *#ofSymbols(symbols: readonly string[] | undefined): Generator<StateEntry | undefined> {
    if (symbols === undefined) {
      for (const entry of this.#binding.values()) if (entry.kind === 'symbol') yield entry;
      return;
    }
    for (const entry of this.#binding.values()) {
      if (entry.kind !== 'symbol') continue;
      // A pair stands for every contract on it: BTCUSD for BTCUSD_PERP.
      if (symbols.some((name) => entry.name === name || entry.name.startsWith(`${name}_`))) yield entry;
    }
  }

  #put(key: string, entry: StateEntry): void {
    this.#entries.set(key, entry);
    this.#bind(key, entry.state === TRADING_STATES[0] ? undefined : entry);
    if (entry.kind === 'proxy') this.#floor = undefined;
  }

  #bind(key: string, entry: StateEntry | undefined): void {
    if (entry === undefined) this.#binding.delete(key);
    else this.#binding.set(key, entry);
    this.#symbolsBinding = 0;
    for (const { kind } of this.#binding.values()) if (kind === 'symbol') this.#symbolsBinding++;
  }
}
