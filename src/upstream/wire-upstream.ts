import type { Dispatcher } from 'undici';
import type { AuditTrail } from '../audit/trail.ts';
import { isBeyondLimit } from '../budgets/budget-state.ts';
import type { Budgets, FirewallPage } from '../budgets/budgets.ts';
import { exchangeOf } from '../config/schema/live.ts';
import type { Settings } from '../config/schema/settings.ts';
import type { WayOut } from '../config/schema/ways-out.ts';
import { PROXY_CLIENT } from '../core/access/client.ts';
import type { Serves } from '../core/budget/charging.ts';
import type { Permission } from '../core/catalogue/permission.ts';
import { ProxyError } from '../core/errors.ts';
import { UnknownSymbol } from '../core/orders/notional.ts';
import type { Credential } from '../core/signing/credential.ts';
import { UPSTREAM_NAMES, type UpstreamName } from '../core/upstream.ts';
import { type ClockSync, type ClockSyncOptions, createClockSync } from './clock-sync.ts';
import { createKeepWarm } from './connections/keep-warm.ts';
import type { Pools } from './connections/pools.ts';
import { createHostQuestion } from './host-question.ts';
import { KeyCare } from './key-care.ts';
import { createKeyGate, type KeyGate, type KeyGateOptions } from './key-gate.ts';
import type { AskWithKey } from './key-questions.ts';
import { KeyRefusals } from './key-refusals.ts';
import { createLimitsReader } from './limits-reader.ts';
import type { ServerClock, TimeReading } from './server-clock.ts';

/** Binance's code for a symbol that it does not have. */
const INVALID_SYMBOL = /"code":\s*-1121\b/;

/** One GET of the proxy's own that needs no key. */
interface OpenQuestion {
  readonly upstream: UpstreamName;
  readonly target: string;
  readonly connection?: Dispatcher;
  readonly serves?: Serves;
  readonly way?: WayOut;
}

/** Asks Binance; rejects when no whole answer came. */
export interface AskBinance extends AskWithKey {
  get(call: OpenQuestion & { readonly account?: string; readonly credential?: Credential }): Promise<{
    readonly status: number;
    readonly text: string;
    readonly sentMs: number;
    readonly receivedMs: number;
  }>;
}

export interface UpstreamDeps extends Required<Pick<ClockSyncOptions, 'onSync' | 'onFailure'>> {
  readonly clock: ServerClock;
  readonly settings: () => Settings;
  readonly pools: () => Pools;
  readonly budgets: Budgets;
  readonly ask: AskBinance;
  readonly keysInForce: KeyGateOptions['inForce'];
  readonly takeOver: KeyGateOptions['takeOver'];
  readonly onVerdict: KeyGateOptions['onVerdict'];
  readonly onUnanswered: KeyGateOptions['onUnanswered'];
  readonly onOverdue: KeyGateOptions['onOverdue'];
  readonly trail: Pick<AuditTrail, 'note' | 'hearing'>;
  /** Whether apps are served. */
  readonly isServing: () => boolean;
  readonly monotonicNow: () => number;
  readonly wallNow: () => number;
  /** How long a connection is left idle before the proxy uses it itself, in ms. */
  readonly refreshConnectionMs: number;
}

/** What keeps asking Binance: for its time, its limits and what our keys may do, and to keep connections open. */
export interface Upstream {
  readonly gate: KeyGate;
  readonly clockSync: ClockSync;
  /** To be called when a firewall's page stopped a client. */
  readonly questionHost: (page: FirewallPage) => void;
  readonly care: KeyCare;
  /** Reads clock and key permissions for the first time; the limits are read meanwhile, and nothing waits for them. */
  start(): Promise<void>;
  /** Resolves when the limits were read once, or could not be. */
  readonly limitsRead: Promise<void>;
  stop(): void;
}

export function wireUpstream(deps: UpstreamDeps): Upstream {
  const { clock, settings, pools, budgets, ask } = deps;
  const clockSync = createClockSync({
    clock,
    readServerTime: () => readServerTime(ask),
    onSync: deps.onSync,
    onFailure: deps.onFailure,
  });
  const keepWarm = createKeepWarm({
    pool: (upstream) => pools().next(upstream),
    ask: (upstream, target, connection) => ask.get({ upstream, target, connection }),
    budgetState: () => budgets.state,
    refreshMs: deps.refreshConnectionMs,
  });
  const limitsReader = createLimitsReader({
    upstreams: UPSTREAM_NAMES.filter((name) => pools().get(name) !== undefined),
    fetchExchangeInfo: (upstream, target) => fetchLimits(deps, upstream, target),
    setLimits: budgets.setLimits,
  });
  const gate = createKeyGate({
    mode: () => settings().keyPreflight,
    configured: () => settings().accounts,
    inForce: deps.keysInForce,
    takeOver: deps.takeOver,
    exchange: () => exchangeOf(settings()),
    granted: (account) => grantedOn(settings(), account),
    hasSapi: () => settings().isLive,
    ownCalls: ask,
    onVerdict: deps.onVerdict,
    onUnanswered: deps.onUnanswered,
    onOverdue: deps.onOverdue,
    monotonicNow: deps.monotonicNow,
    wallNow: deps.wallNow,
  });
  // Nobody is asked where that is switched off, so nothing is waited for.
  const verdicts = () => (settings().keyPreflight === 'off' ? new Map() : gate.verdicts);
  const keys = { inForce: deps.keysInForce, verdicts, trail: deps.trail };
  const care = new KeyCare({ ...keys, watches: () => settings().accountWatches, wallNow: deps.wallNow });
  const refusals = new KeyRefusals({
    ...keys,
    ask,
    isServing: deps.isServing,
    monotonicNow: deps.monotonicNow,
  });
  deps.trail.hearing(refusals.hear);
  const limitsRead = Promise.withResolvers<void>();
  return {
    gate,
    clockSync,
    questionHost: createHostQuestion({ ways: () => settings().egress, ask: (question) => ask.get(question) }),
    care,
    limitsRead: limitsRead.promise,
    async start() {
      keepWarm.start();
      await clockSync.start();
      limitsRead.resolve(limitsReader.start());
      if (clock.now() !== undefined) await gate.check();
      gate.start();
    },
    stop() {
      for (const each of [clockSync, keepWarm, limitsReader, gate, care]) each.stop();
    },
  };
}

/** Without the time nothing can be signed, cancels neither; without the limits no order can be counted rightly. */
const FOR_CLOCK: Serves = { lane: 'cancels', client: PROXY_CLIENT };
const FOR_LIMITS: Serves = { lane: 'orders', client: PROXY_CLIENT };

/** Where others use more than the limit that is believed in, the question for the right one would be refused for ever. */
async function fetchLimits(
  { ask, budgets }: Pick<UpstreamDeps, 'ask' | 'budgets'>,
  upstream: UpstreamName,
  target: string,
): Promise<string> {
  try {
    return await fetchPublic(ask, upstream, target, FOR_LIMITS);
  } catch (error) {
    const isFull = error instanceof ProxyError && error.name === 'PROXY_WEIGHT_EXHAUSTED';
    if (!isFull || !isBeyondLimit(budgets.state, upstream)) throw error;
    return fetchPublic(ask, upstream, target, { ...FOR_LIMITS, isBeyond: true });
  }
}

/**
 * Text of one public answer.
 * @throws UnknownSymbol when Binance says that it has no such symbol; Error for everything else but an answer of status 200
 */
export async function fetchPublic(
  ask: AskBinance,
  upstream: UpstreamName,
  target: string,
  serves: Serves,
): Promise<string> {
  const { status, text } = await ask.get({ upstream, target, serves });
  if (status === 200) return text;
  if (status === 400 && INVALID_SYMBOL.test(text)) throw new UnknownSymbol();
  throw new Error(`the exchange answered ${status}`);
}

async function readServerTime(ask: AskBinance): Promise<TimeReading> {
  const { status, text, sentMs, receivedMs } = await ask.get({
    upstream: 'spot',
    target: '/api/v3/time',
    serves: FOR_CLOCK,
  });
  const parsed: unknown = status === 200 ? JSON.parse(text) : undefined;
  const serverMs =
    typeof parsed === 'object' && parsed !== null && 'serverTime' in parsed ? parsed.serverTime : undefined;
  if (typeof serverMs !== 'number') throw new Error(`the exchange does not tell its time (HTTP ${status})`);
  return { serverMs, sentMs, receivedMs };
}

function grantedOn(settings: Settings, account: string): ReadonlySet<Permission> {
  const granted = new Set<Permission>();
  for (const client of settings.clients.values()) {
    if (client.account === account) for (const permission of client.permissions) granted.add(permission);
  }
  return granted;
}
