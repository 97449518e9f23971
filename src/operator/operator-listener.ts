import fastify, { type FastifyInstance } from 'fastify';
import { isLoopbackName } from '../config/sections/hosts.ts';
import { localTrust } from '../http/local-trust.ts';
import { NO_SCHEMAS } from '../http/no-schemas.ts';
import type { OrderResolver } from '../orders/resolver.ts';
import type { LiveConfig } from '../pipeline/live-config.ts';
import type { Metrics } from './metrics.ts';
import type { Status } from './status.ts';

export interface OperatorListenerDeps {
  readonly config: () => LiveConfig;
  readonly status: () => Status;
  readonly metrics: Pick<Metrics, 'contentType' | 'print'>;
  readonly resolver: Pick<OrderResolver, 'open'>;
}

/**
 * The listener for the operator: it works while Binance does not, and serves no Binance path. On a loopback address it
 * checks the Host like the listener for apps; elsewhere probes come with whatever name they have.
 */
export async function buildOperatorListener(deps: OperatorListenerDeps): Promise<FastifyInstance> {
  const { config, status, metrics, resolver } = deps;
  const app = fastify({
    logger: false,
    forceCloseConnections: true,
    return503OnClosing: false,
    schemaController: NO_SCHEMAS,
  });
  const checkTrust = localTrust(
    () => new Set(config().settings.server.allowedHosts.map((name) => name.toLowerCase())),
    { secretMask: () => config().settings.secretMask },
  );
  app.addHook('onRequest', (request, reply, done) => {
    if (isLoopbackName(config().settings.operator.host)) checkTrust(request, reply, done);
    else done();
  });
  app.setErrorHandler((error, _request, reply) => {
    const httpStatus =
      error instanceof Error && 'status' in error && typeof error.status === 'number' ? error.status : 500;
    return reply
      .code(httpStatus)
      .send({ error: httpStatus === 500 ? 'internal error' : (error as Error).message });
  });
  app.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'not found' }));
  app.get('/livez', () => ({ status: 'ok' }));
  app.get('/readyz', (_request, reply) => {
    const state = status();
    return reply.code(state.ready ? 200 : 503).send(state);
  });
  app.get('/metrics', async (_request, reply) => {
    reply.type(metrics.contentType);
    return metrics.print();
  });
  app.get('/orders/unresolved', () => ({ orders: resolver.open() }));
  await app.ready();
  return app;
}
