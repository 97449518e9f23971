import { CANCEL_MODES, type CancelMode, SCOPE_KINDS, type Scope } from '../trading-state.ts';

/** Cancelling that was ordered: it is kept until nothing is left, so that a restart goes on with it. */
export interface CancelWork {
  readonly scope: Scope;
  readonly mode: Exclude<CancelMode, 'none'>;
  readonly reason: string;
  readonly sinceMs: number;
  readonly cancelled: number;
}

/** Undefined for what is no whole work. */
export function readWork(value: unknown): CancelWork | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { scope, mode, reason, sinceMs, cancelled } = value as Record<string, unknown>;
  if (typeof scope !== 'object' || scope === null || typeof reason !== 'string') return undefined;
  const { kind, name } = scope as Record<string, unknown>;
  const isWhole =
    (SCOPE_KINDS as readonly unknown[]).includes(kind) &&
    typeof name === 'string' &&
    (CANCEL_MODES as readonly unknown[]).includes(mode) &&
    mode !== 'none' &&
    [sinceMs, cancelled].every((number) => Number.isSafeInteger(number));
  return isWhole ? (value as CancelWork) : undefined;
}
