import http from 'node:http';
import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import type { Client } from '../core/access/client.ts';
import { ProxyError } from '../core/errors.ts';
import { beginExchange } from '../pipeline/call-context.ts';
import { identifyClient } from '../pipeline/clients/identify.ts';
import type { Line } from '../pipeline/line.ts';
import type { LiveConfig } from '../pipeline/live-config.ts';
import type { SocketLimits } from '../websocket/sockets/socket-limits.ts';
import { serveWebSockets } from '../websocket/upgrade.ts';
import { errorHandler } from './error-handler.ts';
import { forwardRoute } from './forward.ts';
import { createAppServer } from './http-server.ts';
import { keyGuessingLimit } from './key-guessing.ts';
import { localTrust } from './local-trust.ts';
import { NO_SCHEMAS } from './no-schemas.ts';
import { answerParserErrors } from './parser-errors.ts';
import { limitRequestsPerClient } from './rate-limit.ts';

/** Every method that Node can read: also those that no endpoint has are refused by the one route, denylist first. */
const METHODS = http.METHODS.filter((method) => method !== 'GET' && method !== 'CONNECT');

/**
 * The listener for apps. The order of what follows is the security argument: Host and browser, who calls, how often,
 * then the one route. Every path reaches that route; Fastify parses no body and routes nothing by the client's string.
 */
export async function buildAppListener(line: Line, limits?: Partial<SocketLimits>): Promise<FastifyInstance> {
  const app = fastify({
    logger: false,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    schemaController: NO_SCHEMAS,
    rewriteUrl: () => '/',
    serverFactory: (handler) => createAppServer(handler, line.snapshot().settings.server.tls),
  });
  for (const method of METHODS) app.addHttpMethod(method, { hasBody: false, overrideExisting: true });
  app.decorateRequest('exchange', undefined);
  // First of all, so that a refused upgrade is known as one and its socket is closed.
  const sockets = await serveWebSockets(app, line, limits);

  app.addHook('onRequest', (request, _reply, done) => {
    request.exchange = beginExchange(line, request.method, ({ settings }) =>
      identifyClient(request.raw.headers, settings),
    );
    done(
      line.stopping()
        ? new ProxyError('PROXY_NOT_READY', 'The signing proxy is shutting down.', { rule: 'stopping' })
        : undefined,
    );
  });
  app.addHook(
    'onRequest',
    localTrust(() => trustedHosts(line.snapshot())),
  );
  await limitRequestsPerClient(app, clientOf);
  const guesses = keyGuessingLimit(app);

  const refuse = errorHandler((request, error) => line.recorder.refused(request.exchange, error));
  app.setErrorHandler(async (error, request, reply) => {
    const guessing =
      error instanceof ProxyError && error.name === 'PROXY_UNKNOWN_CLIENT'
        ? await guesses(request)
        : undefined;
    refuse(guessing ?? error, request, reply);
    return reply;
  });
  const handler = forwardRoute(line);
  app.route({ method: METHODS, url: '/', handler });
  app.route({ method: 'GET', url: '/', handler, ...sockets });
  answerParserErrors(app.server, line.nextRequestId, (requestId, error) =>
    line.recorder.unreadable(requestId, error),
  );
  await app.ready();
  return app;
}

/** The client that a request counts for: whoever it proves to be, else the anonymous one. */
function clientOf(request: FastifyRequest): Client | undefined {
  return request.exchange?.identified ?? request.exchange?.snapshot.settings.clients.get('anonymous');
}

const hostSets = new WeakMap<LiveConfig, ReadonlySet<string>>();

function trustedHosts(snapshot: LiveConfig): ReadonlySet<string> {
  const known = hostSets.get(snapshot);
  if (known !== undefined) return known;
  const { host, allowedHosts } = snapshot.settings.server;
  const names = new Set([host, ...allowedHosts].map((name) => name.toLowerCase()));
  hostSets.set(snapshot, names);
  return names;
}
