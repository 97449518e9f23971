import type { AuditTrail } from '../audit/trail.ts';
import type { Budgets } from '../budgets/budgets.ts';
import type { LiveConfig } from '../pipeline/live-config.ts';
import type { KeyGate } from '../upstream/key-gate.ts';
import type { PreflightVerdict } from '../upstream/key-verdicts.ts';
import type { ServerClock } from '../upstream/server-clock.ts';

/** What `/readyz` answers. */
export interface Status {
  readonly ready: boolean;
  /** One sentence for each thing that keeps signed calls from passing. */
  readonly reasons: readonly string[];
  readonly clock: { readonly synced: boolean; readonly offsetMs?: number; readonly ageMs?: number };
  readonly preflight: Readonly<Record<string, string>>;
  /** What is known, by account, of a new key that has not taken the place of the one that signs. */
  readonly newKeys: Readonly<Record<string, string>>;
  readonly frozen: readonly {
    readonly upstream: string;
    readonly egress?: string;
    readonly untilMs: number;
  }[];
  readonly audit: { readonly available: boolean; readonly errors: number };
  readonly budgets: { readonly degraded: boolean };
}

/** What the status is read from. */
export interface StatusDeps {
  readonly config: () => LiveConfig;
  readonly isStopping: () => boolean;
  readonly clock: Pick<ServerClock, 'state'>;
  readonly gate: Pick<KeyGate, 'verdicts' | 'waiting' | 'assertSignable'>;
  readonly trail: Pick<AuditTrail, 'check' | 'state'>;
  readonly budgets: Pick<Budgets, 'state'>;
}

/** Tells, whenever it is asked, whether signed calls can pass, and if not, why. */
export function createStatus({ config, isStopping, clock, gate, trail, budgets }: StatusDeps): () => Status {
  return function status() {
    const { settings, keys } = config();
    const { synced, offsetMs, ageMs } = clock.state;
    const reasons: string[] = [];
    if (isStopping()) reasons.push('The proxy is shutting down.');
    if (!synced) reasons.push('The server time is not known yet.');
    const preflight: Record<string, string> = Object.create(null);
    for (const account of settings.accounts.keys()) {
      const verdict = gate.verdicts.get(account);
      preflight[account] = settings.keyPreflight === 'off' ? 'off' : (verdict?.kind ?? 'pending');
      try {
        gate.assertSignable(account, keys.get(account));
      } catch (error) {
        // A pass that was not renewed says nothing any more.
        if (verdict?.kind === 'passed') preflight[account] = 'pending';
        reasons.push(error instanceof Error ? error.message : 'The key may not sign.');
      }
    }
    if (!trail.check()) reasons.push('The audit file cannot be written.');
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
      frozen: budgets.state.frozen,
      audit: { available: trail.state.available, errors: trail.state.errors },
      budgets: { degraded: budgets.state.degraded },
    };
  };
}

function newKeysOf({ waiting }: Pick<KeyGate, 'waiting'>): Readonly<Record<string, string>> {
  const newKeys: Record<string, string> = Object.create(null);
  for (const [account, verdict] of waiting) newKeys[account] = `${verdict.kind}: ${whyItWaits(verdict)}`;
  return newKeys;
}

function whyItWaits(verdict: PreflightVerdict): string {
  if (verdict.kind === 'failed') return verdict.problems.join(' ');
  return verdict.kind === 'pending' ? `${verdict.reason}.` : 'it is asked about anew.';
}
