/** What a scope may do, the loosest first. */
export const TRADING_STATES = ['run', 'reduce-only', 'cancel-only', 'halt'] as const;
export type TradingState = (typeof TRADING_STATES)[number];

/** What a state is about. */
export const SCOPE_KINDS = ['proxy', 'account', 'client', 'symbol'] as const;
type ScopeKind = (typeof SCOPE_KINDS)[number];

/** Which resting orders are taken away when a state is entered. */
export const CANCEL_MODES = ['own', 'all', 'none'] as const;
export type CancelMode = (typeof CANCEL_MODES)[number];

export interface Scope {
  readonly kind: ScopeKind;
  /** Of the account, client or symbol; empty for the proxy. */
  readonly name: string;
}

/** The state of one scope, and who put it there. */
export interface StateEntry extends Scope {
  readonly state: TradingState;
  readonly reason: string;
  readonly operator: string;
  /** How the operator came: `command`, `http`, or the guard that acted by itself. */
  readonly channel: string;
  /** Since when, ms since the epoch. */
  readonly sinceMs: number;
  /** The higher one of two entries of a scope holds. */
  readonly revision: number;
  /** What was to be cancelled when it was entered. */
  readonly cancel: CancelMode;
}

export const WHOLE_PROXY: Scope = { kind: 'proxy', name: '' };

export function scopeKey({ kind, name }: Scope): string {
  return `${kind}:${name}`;
}

/** How a sentence names a scope. */
export function scopeText({ kind, name }: Scope): string {
  return kind === 'proxy' ? 'the proxy' : `${kind} ${name}`;
}

/** Positive when the first one is stricter. */
export function compareStates(one: TradingState, other: TradingState): number {
  return TRADING_STATES.indexOf(one) - TRADING_STATES.indexOf(other);
}

/** True when the first entry takes the place of the second: by its revision, of equal ones the stricter, then any but always the same. */
export function supersedes(one: StateEntry, other: StateEntry | undefined): boolean {
  if (other === undefined) return true;
  if (one.revision !== other.revision) return one.revision > other.revision;
  const stricter = compareStates(one.state, other.state);
  if (stricter !== 0) return stricter > 0;
  return JSON.stringify(orderedEntry(one)) > JSON.stringify(orderedEntry(other));
}

/** The members of an entry in one order, and nothing else. */
export function orderedEntry(entry: StateEntry): StateEntry {
  const { kind, name, state, reason, operator, channel, sinceMs, revision, cancel } = entry;
  return { kind, name, state, reason, operator, channel, sinceMs, revision, cancel };
}

/** Undefined for what is no whole entry. */
export function readEntry(value: unknown): StateEntry | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { kind, name, state, reason, operator, channel, sinceMs, revision, cancel } = value as Record<
    string,
    unknown
  >;
  const isWhole =
    isOneOf(SCOPE_KINDS, kind) &&
    isOneOf(TRADING_STATES, state) &&
    isOneOf(CANCEL_MODES, cancel) &&
    [name, reason, operator, channel].every((text) => typeof text === 'string') &&
    [sinceMs, revision].every((number) => Number.isSafeInteger(number));
  return isWhole ? orderedEntry(value as StateEntry) : undefined;
}

function isOneOf<T extends string>(all: readonly T[], value: unknown): value is T {
  return (all as readonly unknown[]).includes(value);
}
