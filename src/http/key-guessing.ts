import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ProxyError } from '../core/errors.ts';

const WRONG_KEYS_PER_MINUTE = 30;

/**
 * Slows down the guessing of client keys: after some wrong ones from an address the answer is 429 for the rest of the
 * minute, over requests, upgrades and frames together. Only what already failed is counted, so a right key is never held
 * up. A frame is counted by the request that opened its socket.
 */
export async function limitKeyGuessing(
  app: FastifyInstance,
): Promise<(request: FastifyRequest) => Promise<ProxyError | undefined>> {
  await app.register(rateLimit, { global: false });
  const count = app.createRateLimit({
    max: WRONG_KEYS_PER_MINUTE,
    timeWindow: 60_000,
    allowList: [],
    keyGenerator: (request) => request.ip,
  });
  return async (request) => {
    const result = await count(request);
    if (result.isAllowed || !result.isExceeded) return undefined;
    return new ProxyError('PROXY_CLIENT_RATE_LIMITED', 'Too many requests with an unknown key.', {
      rule: 'key guessing',
      retryAfterSeconds: Math.max(1, result.ttlInSeconds),
    });
  };
}
