import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Client } from '../core/access/client.ts';
import { ProxyError } from '../core/errors.ts';

/**
 * Fairness between clients, in requests per second and client; Binance's weight is not its business (see the budgets).
 * Without a configured rate a client is not counted at all.
 */
export async function limitRequestsPerClient(
  app: FastifyInstance,
  clientOf: (request: FastifyRequest) => Client | undefined,
): Promise<void> {
  await app.register(rateLimit, {
    global: false,
    timeWindow: 1_000,
    cache: 10_000,
    keyGenerator: (request) => clientOf(request)?.name ?? '',
    max: (request) => clientOf(request)?.requestsPerSecond ?? Number.MAX_SAFE_INTEGER,
    addHeaders: off(),
    addHeadersOnExceeding: off(),
    errorResponseBuilder: (_request, context) =>
      new ProxyError(
        'PROXY_CLIENT_RATE_LIMITED',
        `Too many requests; this client may send ${context.max} per second.`,
        {
          rule: 'requestsPerSecond',
          retryAfterSeconds: Math.max(1, Math.ceil(context.ttl / 1000)),
        },
      ),
  });
  const limit = app.rateLimit();
  app.addHook('onRequest', (request, reply, done) => {
    // Asked here and not by the plugin's allow-list, which is awaited for each request of every client.
    if (clientOf(request)?.requestsPerSecond === undefined) done();
    else limit.call(app, request, reply).then(() => done(), done);
  });
}

function off() {
  return {
    'x-ratelimit-limit': false,
    'x-ratelimit-remaining': false,
    'x-ratelimit-reset': false,
    'retry-after': false,
  };
}
