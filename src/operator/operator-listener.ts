import fastify, { type FastifyInstance } from 'fastify';
import { isLoopbackName } from '../config/sections/hosts.ts';
import { localTrust } from '../http/local-trust.ts';
import { NO_SCHEMAS } from '../http/no-schemas.ts';
import type { Line } from '../pipeline/line.ts';

/**
 * The listener for the operator: it works while Binance does not, and serves no Binance path. On a loopback address it
 * checks the Host like the listener for apps; elsewhere probes come with whatever name they have.
 */
export async function buildOperatorListener(line: Line): Promise<FastifyInstance> {
  const app = fastify({
    logger: false,
    forceCloseConnections: true,
    return503OnClosing: false,
    schemaController: NO_SCHEMAS,
  });
  const checkTrust = localTrust(
    () => new Set(line.snapshot().settings.server.allowedHosts.map((name) => name.toLowerCase())),
  );
  app.addHook('onRequest', (request, reply, done) => {
    if (isLoopbackName(line.snapshot().settings.operator.host)) checkTrust(request, reply, done);
    else done();
  });
  app.setErrorHandler((error, _request, reply) => {
    const status =
      error instanceof Error && 'status' in error && typeof error.status === 'number' ? error.status : 500;
    return reply.code(status).send({ error: status === 500 ? 'internal error' : (error as Error).message });
  });
  app.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'not found' }));
  app.get('/livez', () => ({ status: 'ok' }));
  app.get('/readyz', (_request, reply) => {
    const state = line.status();
    return reply.code(state.ready ? 200 : 503).send(state);
  });
  app.get('/metrics', async (_request, reply) => {
    reply.type(line.metrics.contentType);
    return line.metrics.print();
  });
  app.get('/orders/unresolved', () => ({ orders: line.resolver.open() }));
  await app.ready();
  return app;
}
