import type { Line } from './line.ts';

export interface Readiness {
  readonly ready: boolean;
  /** One sentence for each thing that keeps signed calls from passing. */
  readonly reasons: readonly string[];
  readonly clock: { readonly synced: boolean; readonly offsetMs?: number; readonly ageMs?: number };
  readonly preflight: Readonly<Record<string, string>>;
  readonly frozen: readonly { readonly upstream: string; readonly untilMs: number }[];
  readonly audit: { readonly available: boolean; readonly errors: number };
  readonly budgets: { readonly degraded: boolean };
}

/** Whether signed calls can pass, and if not, why. */
export function readiness(line: Line): Readiness {
  const { settings } = line.snapshot();
  const clock = line.clock.state;
  const reasons: string[] = [];
  if (line.stopping()) reasons.push('The proxy is shutting down.');
  if (!clock.synced) reasons.push('The server time is not known yet.');
  const preflight: Record<string, string> = Object.create(null);
  for (const account of settings.accounts.keys()) {
    const verdict = line.gate.verdicts.get(account);
    preflight[account] = settings.keyPreflight === 'off' ? 'off' : (verdict?.kind ?? 'pending');
    try {
      line.gate.assertSignable(account);
    } catch (error) {
      reasons.push(error instanceof Error ? error.message : 'The key may not sign.');
    }
  }
  if (!line.trail.check()) reasons.push('The audit file cannot be written.');
  return {
    ready: reasons.length === 0,
    reasons,
    clock: {
      synced: clock.synced,
      ...(clock.offsetMs === undefined ? {} : { offsetMs: clock.offsetMs }),
      ...(clock.ageMs === undefined ? {} : { ageMs: clock.ageMs }),
    },
    preflight,
    frozen: line.budgets.state.frozen,
    audit: { available: line.trail.state.available, errors: line.trail.state.errors },
    budgets: { degraded: line.budgets.state.degraded },
  };
}
