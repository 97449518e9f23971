import type { AuditTrail } from '../audit/trail.ts';
import type { Budgets } from '../budgets/budgets.ts';
import type { NoticeState, Notices } from '../notices/notices.ts';
import type { LiveConfig } from '../pipeline/live-config.ts';
import { isoOf } from '../upstream/key-advice.ts';
import type { KeyCare, KeyCareState } from '../upstream/key-care.ts';
import type { KeyGate } from '../upstream/key-gate.ts';
import type { PreflightVerdict } from '../upstream/key-verdicts.ts';
import type { ServerClock } from '../upstream/server-clock.ts';
import type { OwnOrdersState, Watch, WatchState } from '../watch/watch.ts';

/** What keeps signed calls from passing. */
interface NotReady {
  /** Safe to be told to anybody: it names no account and no file. */
  readonly name: 'stopping' | 'starting' | 'clock' | 'preflight' | 'redis' | 'audit';
  readonly sentence: string;
}

/** How the proxy is. `/readyz` tells whether it is ready and the names of the reasons, `/operator/status` all of it. */
export interface Status {
  readonly ready: boolean;
  readonly reasons: readonly NotReady[];
  readonly clock: { readonly synced: boolean; readonly offsetMs?: number; readonly ageMs?: number };
  readonly preflight: Readonly<Record<string, string>>;
  /** What is known, by account, of a new key that has not taken the place of the one that signs. */
  readonly newKeys: Readonly<Record<string, string>>;
  /** By account: when the right of its key to trade spot and margin ends, where Binance tells it. */
  readonly tradingAuthorityEnds: Readonly<Record<string, string>>;
  /** By account: how old its key is, when an app used it last, and its switches. */
  readonly keys: Readonly<Record<string, KeyCareState>>;
  readonly frozen: readonly {
    readonly upstream: string;
    readonly egress?: string;
    readonly untilMs: number;
  }[];
  readonly audit: { readonly available: boolean; readonly errors: number };
  readonly budgets: { readonly degraded: boolean };
  /** Who is told, and what came of it so far. */
  readonly notices: readonly NoticeState[];
  /** The accounts and products whose orders are watched. */
  readonly watch: readonly WatchState[];
  /** What rests of each client there, and what its fills of the day made. */
  readonly ownOrders: readonly OwnOrdersState[];
}

/** What the status is read from. */
export interface StatusDeps {
  readonly config: () => LiveConfig;
  readonly isStopping: () => boolean;
  /** Whether the listener for apps accepts connections. */
  readonly isListening: () => boolean;
  readonly clock: Pick<ServerClock, 'state'>;
  readonly gate: Pick<KeyGate, 'verdicts' | 'waiting' | 'assertSignable'>;
  readonly care: Pick<KeyCare, 'states'>;
  readonly trail: Pick<AuditTrail, 'check' | 'state'>;
  readonly budgets: Pick<Budgets, 'state'>;
  readonly notices: Pick<Notices, 'state'>;
  readonly watch: Pick<Watch, 'states' | 'ownOrders'>;
}

/** Tells, whenever it is asked, whether signed calls can pass, and if not, why. */
export function createStatus(deps: StatusDeps): () => Status {
  const { config, isStopping, isListening, clock, gate, care, trail, budgets, notices, watch } = deps;
  return function status() {
    const { settings } = config();
    const { synced, offsetMs, ageMs } = clock.state;
    const reasons: NotReady[] = [];
    const note = (name: NotReady['name'], sentence: string) => reasons.push({ name, sentence });
    if (isStopping()) note('stopping', 'The proxy is shutting down.');
    else if (!isListening()) note('starting', 'Apps cannot connect yet: the proxy is still starting.');
    if (!synced) note('clock', CLOCK_UNKNOWN);
    const preflight: Record<string, string> = Object.create(null);
    for (const account of settings.accounts.keys()) {
      const verdict = gate.verdicts.get(account);
      preflight[account] = settings.keyPreflight === 'off' ? 'off' : (verdict?.kind ?? 'pending');
      const reason = whyKeyStops({ config, gate }, account);
      if (reason === undefined) continue;
      // A pass that was not renewed says nothing any more.
      if (verdict?.kind === 'passed') preflight[account] = 'pending';
      note('preflight', reason);
    }
    const { unusable } = budgets.state;
    if (unusable !== undefined) note('redis', unusable);
    if (!trail.check()) note('audit', `The audit file cannot be written${lastErrorOf(trail)}.`);
    return {
      ready: reasons.length === 0,
      reasons,
      clock: {
        synced,
        ...(offsetMs === undefined ? {} : { offsetMs }),
        ...(ageMs === undefined ? {} : { ageMs }),
      },
      preflight,
      newKeys: newKeysOf(gate),
      tradingAuthorityEnds: authorityEndsOf(gate),
      keys: Object.fromEntries(care.states),
      frozen: budgets.state.frozen,
      audit: { available: trail.state.available, errors: trail.state.errors },
      budgets: { degraded: budgets.state.degraded },
      notices: notices.state,
      watch: watch.states,
      ownOrders: watch.ownOrders,
    };
  };
}

/** Why nothing is signed before the time of the exchange was read once. */
export const CLOCK_UNKNOWN = 'The server time is not known yet.';

/** Why an account's key may not sign; undefined when it may. */
export function whyKeyStops(
  { config, gate }: Pick<StatusDeps, 'config'> & { readonly gate: Pick<KeyGate, 'assertSignable'> },
  account: string,
): string | undefined {
  try {
    gate.assertSignable(account, config().keys.get(account));
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : 'The key may not sign.';
  }
}

function lastErrorOf({ state }: Pick<AuditTrail, 'state'>): string {
  return state.lastError === undefined ? '' : ` (${state.lastError})`;
}

function newKeysOf({ waiting }: Pick<KeyGate, 'waiting'>): Readonly<Record<string, string>> {
  const newKeys: Record<string, string> = Object.create(null);
  for (const [account, verdict] of waiting) newKeys[account] = `${verdict.kind}: ${whyItWaits(verdict)}`;
  return newKeys;
}

function authorityEndsOf({ verdicts }: Pick<KeyGate, 'verdicts'>): Readonly<Record<string, string>> {
  const ends: Record<string, string> = Object.create(null);
  for (const [account, verdict] of verdicts) {
    const endsMs = 'authorityEndsMs' in verdict ? verdict.authorityEndsMs : undefined;
    if (endsMs !== undefined) ends[account] = isoOf(endsMs);
  }
  return ends;
}

function whyItWaits(verdict: PreflightVerdict): string {
  if (verdict.kind === 'failed') return verdict.problems.join(' ');
  return verdict.kind === 'pending' ? `${verdict.reason}.` : 'it is asked about anew.';
}
