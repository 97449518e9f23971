import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** Counts one wrong try of the request's address; the seconds to wait when there were too many, else undefined. */
export type CountGuess = (request: FastifyRequest) => Promise<number | undefined>;

/**
 * Slows down the guessing of keys and tokens: after some wrong ones from an address the others are refused for the rest
 * of the minute. Only what already failed is counted, so a right one is never held up.
 */
export async function limitGuessing(app: FastifyInstance, perMinute: number): Promise<CountGuess> {
  await app.register(rateLimit, { global: false });
  const count = app.createRateLimit({
    max: perMinute,
    timeWindow: 60_000,
    allowList: [],
    keyGenerator: (request) => request.ip,
  });
  return async (request) => {
    const result = await count(request);
    return result.isAllowed || !result.isExceeded ? undefined : Math.max(1, result.ttlInSeconds);
  };
}
