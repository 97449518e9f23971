import type { Settings } from '../config/schema/settings.ts';
import { namedSymbols } from '../core/access/touched-symbols.ts';
import type { Call } from '../core/call/call.ts';
import type { Endpoint } from '../core/catalogue/endpoint.ts';
import { SECOND_MS } from '../core/intervals.ts';
import type { LeftOrder } from './cancelling/cancel-round.ts';
import type { CancelProgress } from './cancelling/cancellations.ts';
import type { Entered, EnterRequest, ListedCancelling, ListedState } from './entered.ts';
import { judgeByState, judgeOpening } from './judge-call.ts';
import type { KnownOrders, SettledOrders } from './known-orders.ts';
import type { OrdersOnTheirWay } from './orders-on-their-way.ts';
import type { CountdownBeats } from './silence/countdown-beats.ts';
import type { Concerned } from './state-book.ts';
import { notKept, StateKeeping, type StateKeepingDeps } from './state-keeping.ts';
import { StopError } from './stop-error.ts';
import {
  type CancelMode,
  compareStates,
  orderedEntry,
  type Scope,
  type StateEntry,
  scopeText,
  type TradingState,
} from './trading-state.ts';

/** A call of an app, as it would leave. */
export interface StoppableCall {
  readonly client: { readonly name: string };
  readonly account: string | undefined;
  readonly endpoint: Endpoint;
  readonly call: Call;
}

export interface StopsDeps extends Omit<StateKeepingDeps, 'beats'> {
  readonly known: KnownOrders;
  readonly settings: () => Settings;
  readonly wallNow: () => number;
  /** How long an answer waits for the cancelling, which goes on by itself, in ms. */
  readonly answerWithinMs: number;
  readonly beats: () => Pick<CountdownBeats, 'assertNoOther' | 'note' | 'kept'>;
  readonly onChanged: (entry: StateEntry, before: TradingState, isKept: boolean) => void;
}

/** An order that left before the door was shut has reached the exchange by then, or never will. */
const ON_ITS_WAY_MS = 2 * SECOND_MS;
/** So many names stand in a sentence. */
const MOST_NAMED = 20;

/** The states of this proxy: who may do what, until an operator says otherwise. */
export class Stops {
  readonly #deps: StopsDeps;
  readonly #onTheirWay: OrdersOnTheirWay;
  readonly #keeping: StateKeeping;

  constructor(deps: StopsDeps, onTheirWay: OrdersOnTheirWay) {
    this.#deps = deps;
    this.#onTheirWay = onTheirWay;
    this.#keeping = new StateKeeping(deps);
  }

  /** @throws ProxyError PROXY_ORDER_REFUSED for a countdown that is the proxy's; PROXY_STOPPED when a state that holds for the call does not let it pass */
  assertAllowed(call: StoppableCall): void {
    const { book, known, beats } = this.#deps;
    if (call.endpoint.touches === 'symbol') beats().assertNoOther(call.endpoint, call.account, call.call);
    if (book.isFree) return;
    const entry = book.strictestFor(concernedBy(call));
    const refusal = entry === undefined ? undefined : judgeByState(entry, call, known);
    if (refusal !== undefined) throw refusal;
  }

  /** @throws ProxyError PROXY_STOPPED when the client may open no private stream now */
  assertMayOpen(client: string, account: string | undefined): void {
    const entry = this.#deps.book.strictestFor({ client, account, symbols: () => [] });
    const refusal = entry === undefined ? undefined : judgeOpening(entry);
    if (refusal !== undefined) throw refusal;
  }

  /** The call may place or amend orders from now on, until what is returned is disposed of. */
  begin(call: StoppableCall): Disposable | undefined {
    const { effect } = call.endpoint;
    if (effect !== 'place' && effect !== 'amend') return undefined;
    return this.#onTheirWay.begin(concernedBy(call));
  }

  /** Notes the orders of a call that was sent. */
  note(orders: SettledOrders): void {
    this.#deps.known.note(orders);
    this.#deps.beats().note(orders);
  }

  /** True while a client is held by a state of its own, or of what it belongs to. */
  stateOf(client: string, account: string | undefined): TradingState {
    return this.#deps.book.strictestFor({ client, account, symbols: () => [] })?.state ?? 'run';
  }

  list(): readonly ListedState[] {
    const { book } = this.#deps;
    const entries = book.floor === undefined ? book.entries() : [book.floor, ...book.entries()];
    return entries
      .toSorted((one, other) => compareStates(other.state, one.state) || one.sinceMs - other.sinceMs)
      .map(({ kind, name, state, reason, operator, sinceMs }) => {
        return { scope: kind, name, state, reason, operator, sinceMs };
      });
  }

  /** How many scopes of a kind are in a state. */
  count(kind: Scope['kind'], state: TradingState): number {
    return this.#deps.book.count(kind, state);
  }

  /** How far the cancelling has come that goes on. */
  cancelling(): readonly ListedCancelling[] {
    return this.#deps.cancellations.running().map(({ work: { scope, mode }, cancelled, left }) => {
      return { scope: scope.kind, name: scope.name, cancel: mode, cancelled, left: left.length };
    });
  }

  /**
   * Puts a scope into a state and says what became of it. A stricter state holds from the first moment on; the answer comes
   * when it is kept, when no order of the scope is on its way any more, and when what was to be cancelled is.
   * @throws StopError for an unknown name, for a missing reason, and when a looser state cannot be kept
   */
  async enter(request: EnterRequest): Promise<Entered> {
    const { book, cancellations } = this.#deps;
    const scope = this.#checked(request);
    const before = book.get(scope) ?? (scope.kind === 'proxy' ? book.floor : undefined);
    const present = before?.state ?? 'run';
    const isLooser = compareStates(request.state, present) < 0;
    const already = before !== undefined && request.state === present;
    const draft: StateEntry = {
      ...scope,
      state: request.state,
      reason: request.reason.trim(),
      operator: request.operator,
      channel: request.channel,
      sinceMs: already ? before.sinceMs : this.#deps.wallNow(),
      revision: book.revision + 1,
      cancel: request.state === 'run' ? 'none' : request.cancel,
    };
    if (isLooser) this.#keeping.assertKept();
    else book.take(draft);
    const entry = await this.#keeping.share(draft, isLooser);
    const undone = isLooser && book.take(entry) ? () => book.restore(scope, before) : undefined;
    const { cancel: mode, reason, sinceMs } = entry;
    const running =
      mode === 'none' ? undefined : cancellations.start({ scope, mode, reason, sinceMs, cancelled: 0 });
    const isKept = this.#keeping.write(entry.state === 'run' ? scope : undefined);
    if (!isKept && this.#deps.file !== undefined && undone !== undefined && this.#deps.shared === undefined) {
      undone();
      throw notKept();
    }
    if (entry.state === 'run') cancellations.drop(scope);
    this.#deps.onChanged(entry, present, isKept);
    await this.#onTheirWay.settled(scope, ON_ITS_WAY_MS);
    if (running !== undefined) await within(running.done, this.#deps.answerWithinMs);
    const progress = running?.progress(running.isDone);
    return {
      state: book.get(scope)?.state ?? 'run',
      scope: scope.kind,
      name: scope.name,
      persistent: isKept,
      already,
      cancelled: progress?.cancelled ?? 0,
      left: progress === undefined ? [] : leftOf(progress),
      notes: this.#notes(mode, isKept),
    };
  }

  /** A guard leaves a client or an account nothing but cancels; it never loosens what an operator set. */
  guard(scope: Scope, reason: string, channel: string, cancel: CancelMode): void {
    const present = this.#deps.book.get(scope)?.state ?? 'run';
    if (compareStates(present, 'cancel-only') >= 0) return;
    this.enter({ state: 'cancel-only', scope, reason, cancel, operator: 'proxy', channel }).catch(() => {});
  }

  /** Takes up what another proxy of the same Redis was told. */
  heard(entry: StateEntry): void {
    const { book, cancellations } = this.#deps;
    const present = book.get(entry);
    const before = present?.state ?? 'run';
    if (!book.take(entry)) return;
    if (present !== undefined && isSameAct(present, entry)) return;
    const scope = { kind: entry.kind, name: entry.name };
    const { cancel, reason, sinceMs, state } = entry;
    if (state === 'run') cancellations.drop(scope);
    // Every proxy knows its own orders only; all of an account are cancelled by the one that was asked.
    else if (cancel === 'own') cancellations.start({ scope, mode: cancel, reason, sinceMs, cancelled: 0 });
    this.#deps.onChanged(entry, before, this.#keeping.write());
  }

  /** Writes down what a restart has to know. */
  keep(): void {
    this.#keeping.write();
  }

  #checked({ scope, reason, state }: EnterRequest): Scope {
    if (reason.trim() === '')
      throw new StopError('no-reason', `A reason is needed to set ${scopeText(scope)} to ${state}.`);
    const { accounts, clients } = this.#deps.settings();
    const { kind, name } = scope;
    if (kind === 'symbol') return { kind, name: name.toUpperCase() };
    const known = kind === 'account' ? accounts : kind === 'client' ? clients : undefined;
    if (known !== undefined && !known.has(name))
      throw new StopError(
        'unknown-name',
        `There is no ${kind} ${name}; there are ${listed([...known.keys()])}.`,
      );
    return kind === 'proxy' ? { kind, name: '' } : scope;
  }

  #notes(mode: CancelMode, isKept: boolean): readonly string[] {
    const notes: string[] = [];
    const { audit, stateDir } = this.#deps.settings();
    if (mode === 'own' && audit.dir === undefined)
      notes.push(
        'Without an audit folder only orders of this process are known as own: set BINANCE_PROXY_AUDIT_DIR.',
      );
    if (stateDir === undefined)
      notes.push('A restart forgets this state: set BINANCE_PROXY_STATE_DIR to a folder.');
    else if (!isKept) notes.push('The state file cannot be written: a restart forgets this state.');
    return notes;
  }
}

function concernedBy({ client, account, endpoint, call }: StoppableCall): Concerned {
  return { client: client.name, account, symbols: () => symbolsOf(endpoint, call) };
}

/** Of a call that names no symbol there is none to be stopped, unless it places something. */
function symbolsOf({ effect }: Endpoint, call: Call): readonly string[] | undefined {
  const named = namedSymbols(call);
  return effect === 'place' && named?.length === 0 ? undefined : named;
}

/** The first names of a list that may be long. */
function listed(names: readonly string[]): string {
  const more = names.length - MOST_NAMED;
  return names.slice(0, MOST_NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/** What is not seen to the end yet is not told as done. */
function leftOf({ left, isDone }: CancelProgress): readonly LeftOrder[] {
  return isDone || left.length > 0
    ? left
    : [{ account: '', market: '', why: 'Binance has not answered yet' }];
}

/** The same act under another revision. */
function isSameAct(one: StateEntry, other: StateEntry): boolean {
  return (
    JSON.stringify(orderedEntry({ ...one, revision: 0 })) ===
    JSON.stringify(orderedEntry({ ...other, revision: 0 }))
  );
}

async function within(done: Promise<void>, ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  timer.unref();
  await Promise.race([done, promise]);
  clearTimeout(timer);
}
