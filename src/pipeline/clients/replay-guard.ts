import { ProxyError } from '../../core/errors.ts';

/** Remembers the signatures of state-changing requests, so that each counts once. */
export interface ReplayGuard {
  /** @throws ProxyError PROXY_BAD_SIGNATURE when the signature was accepted before */
  accept(client: string, signature: string, untilMs: number, nowMs: number): void;
}

/**
 * A signature has to be remembered only as long as its own timestamp is fresh: afterwards the request is refused for
 * its age. So the memory is bounded by what clients sign within their recvWindow.
 */
export function createReplayGuard(): ReplayGuard {
  const seen = new Map<string, number>();
  let sweepAtMs = 0;

  function sweep(nowMs: number): void {
    if (nowMs < sweepAtMs) return;
    sweepAtMs = nowMs + 10_000;
    for (const [key, untilMs] of seen) if (untilMs < nowMs) seen.delete(key);
  }

  return {
    accept(client, signature, untilMs, nowMs) {
      sweep(nowMs);
      const key = `${client} ${signature.toLowerCase()}`;
      if (seen.has(key)) {
        throw new ProxyError('PROXY_BAD_SIGNATURE', 'This signature was used before: it counts once.', {
          rule: 'signature reused',
        });
      }
      seen.set(key, untilMs);
    },
  };
}
