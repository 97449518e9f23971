import { ConfigError, formatProblems } from '../../config/problems/config-error.ts';
import { ProxyError } from '../../core/errors.ts';
import { ListenError } from '../../proxy/listen-trouble.ts';
import { PreflightError } from '../../proxy/start.ts';
import { EXIT } from './cli.ts';

/** Why a start failed, for the operator. */
export interface StartFailure {
  readonly sentences: string;
  /** `EXIT.configuration` when it fails again until somebody changes something, `EXIT.notNow` when it may pass by itself. */
  readonly exitCode: number;
}

/** What may be over at the next try: another process still has it, or the machine has no room for it at the moment. */
const PASSING = new Set([
  'EADDRINUSE',
  'audit folder in use',
  'state folder in use',
  'ENOSPC',
  'EDQUOT',
  'EFBIG',
  'EIO',
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'EAGAIN',
  'EAI_AGAIN',
]);

/** Undefined for an error that is a bug. */
export function startFailure(error: unknown): StartFailure | undefined {
  if (error instanceof ConfigError) return { sentences: formatProblems(error), exitCode: exitCodeOf(error) };
  const isKnown =
    error instanceof PreflightError || error instanceof ProxyError || error instanceof ListenError;
  return isKnown ? { sentences: error.message, exitCode: exitCodeOf(error) } : undefined;
}

function exitCodeOf(error: Error): number {
  for (let each: unknown = error; each instanceof Error; each = each.cause) {
    const { code, rule } = each as { readonly code?: unknown; readonly rule?: unknown };
    if ([code, rule].some((name) => typeof name === 'string' && PASSING.has(name))) return EXIT.notNow;
  }
  return EXIT.configuration;
}
