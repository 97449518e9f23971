import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ProxyError } from '../../core/errors.ts';
import { limitGuessing } from './limit-guessing.ts';

const WRONG_KEYS_PER_MINUTE = 30;

/**
 * Slows down the guessing of client keys, over requests, upgrades and frames together. A frame is counted by the request
 * that opened its socket.
 */
export async function limitKeyGuessing(
  app: FastifyInstance,
): Promise<(request: FastifyRequest) => Promise<ProxyError | undefined>> {
  const count = await limitGuessing(app, WRONG_KEYS_PER_MINUTE);
  return async (request) => {
    const retryAfterSeconds = await count(request);
    if (retryAfterSeconds === undefined) return undefined;
    return new ProxyError('PROXY_CLIENT_RATE_LIMITED', 'Too many requests with an unknown key.', {
      rule: 'key guessing',
      retryAfterSeconds,
    });
  };
}
