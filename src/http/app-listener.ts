import http from 'node:http';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Approvals } from '../approvals/approvals.ts';
import { isWildcard } from '../config/sections/hosts.ts';
import { ANONYMOUS } from '../core/access/client.ts';
import { ProxyError } from '../core/errors.ts';
import type { SecretMask } from '../core/records/secret-mask.ts';
import { identifyClient } from '../pipeline/clients/identify.ts';
import type { TurnLane } from '../pipeline/clients/turns.ts';
import type { LiveConfig } from '../pipeline/live-config.ts';
import { isGuess } from '../pipeline/refusals.ts';
import type { Timeouts } from '../upstream/timeouts.ts';
import { SOCKET_LIMITS, type SocketLimits } from '../websocket/sockets/socket-limits.ts';
import { serveWebSockets } from '../websocket/upgrade.ts';
import type { WebSocketDeps } from '../websocket/websocket-deps.ts';
import { doorOf } from './by-name.ts';
import { ConnectionRefusals } from './connection-refusals.ts';
import { errorHandler } from './error-handler.ts';
import { contextOf, forwardRoute, hostOf } from './forward.ts';
import { limitKeyGuessing } from './guessing/key-guessing.ts';
import { createAppServer } from './http-server.ts';
import { localTrust } from './local-trust.ts';
import { NO_SCHEMAS } from './no-schemas.ts';
import { answerOwnApproval, askedApproval } from './own-answers/own-approval.ts';
import { answerParserErrors } from './parser-errors.ts';

export interface AppListenerDeps extends Omit<WebSocketDeps, 'limits' | 'contextOf' | 'hostOf' | 'guesses'> {
  readonly timeouts: Timeouts;
  readonly approvals: Pick<Approvals, 'own'>;
  /** What no answer may show. */
  readonly secretMask: () => SecretMask;
}

/** Every method that Node can read: also those that no endpoint has are refused by the one route, denylist first. */
const METHODS = http.METHODS.filter((method) => method !== 'GET' && method !== 'CONNECT');

/**
 * The listener for apps. The order of what follows is the security argument: Host and browser, then the one route. Every
 * path reaches that route; Fastify parses no body and routes nothing by the client's string.
 */
export async function buildAppListener(
  deps: AppListenerDeps,
  given: Partial<SocketLimits> = {},
): Promise<FastifyInstance> {
  const { pipeline, config, timeouts, secretMask } = deps;
  const { arrival, recorder } = pipeline;
  const refusals = new ConnectionRefusals(arrival.nextRequestId, (requestId, error) =>
    recorder.unreadable(requestId, error),
  );
  const app = fastify({
    logger: false,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    schemaController: NO_SCHEMAS,
    rewriteUrl: () => '/',
    serverFactory: (handler) =>
      createAppServer((request, response) => {
        if (refusals.begin(request, response)) handler(request, response);
      }, config().settings.server.tls),
  });
  for (const method of METHODS) app.addHttpMethod(method, { hasBody: false, overrideExisting: true });
  app.decorateRequest('callContext', undefined);
  app.decorateRequest('binanceHost', undefined);
  const guesses = await limitKeyGuessing(app);
  // Before every hook, so that a refused upgrade is known as one and its socket is closed.
  const limits = socketLimits(timeouts, given);
  const sockets = await serveWebSockets(app, { ...deps, contextOf, hostOf, limits, guesses });

  app.addHook('onRequest', (request, _reply, done) => {
    const { headers } = request.raw;
    const { host } = doorOf(request.raw, config().settings);
    request.binanceHost = host;
    request.callContext = arrival.arrive(
      request.method,
      ({ settings }) => identifyClient(headers, settings),
      host && { byName: host.name },
    );
    try {
      arrival.assertServing();
    } catch (error) {
      done(error as Error);
      return;
    }
    pipeline.turns.take(request.callContext.identified?.name ?? ANONYMOUS, laneOf(request.method), done);
  });
  const door = ({ raw }: FastifyRequest) => doorOf(raw, config().settings);
  const trust = { doorOf: door, isUnixSocket: unixSocketOf(app), secretMask };
  app.addHook('onRequest', localTrust(trustedHosts(config), trust));

  const refuse = errorHandler((request, error) => recorder.refused(request.callContext, error));
  app.setErrorHandler(async (error, request, reply) => {
    const guessing = error instanceof ProxyError && isGuess(error) ? await guesses(request) : undefined;
    refuse(guessing ?? error, request, reply);
    return reply;
  });
  const forward = forwardRoute({ pipeline, slowReaderMs: timeouts.slowReaderMs });
  const handler = async (request: FastifyRequest, reply: FastifyReply) => {
    const approval = askedApproval(request);
    if (approval === undefined) return forward(request, reply);
    return answerOwnApproval({ ...deps, rates: pipeline.rates }, approval, request, reply);
  };
  app.route({ method: METHODS, url: '/', handler });
  app.route({ method: 'GET', url: '/', handler, ...sockets });
  answerParserErrors(app.server, refusals);
  await app.ready();
  return app;
}

/** What a call will be, as far as its method says so. */
function laneOf(method: string): TurnLane {
  if (method === 'GET') return 'identified';
  return method === 'DELETE' ? 'cancels' : 'orders';
}

function socketLimits(timeouts: Timeouts, given: Partial<SocketLimits>): SocketLimits {
  return {
    ...SOCKET_LIMITS,
    answerTimeoutMs: timeouts.headersTimeoutMs,
    slowReaderMs: Math.min(SOCKET_LIMITS.slowReaderMs, timeouts.slowReaderMs),
    ...given,
  };
}

/** Whether the app listens on a path; a change of the configuration does not move a listener. */
function unixSocketOf(app: FastifyInstance): () => boolean {
  let isPath = false;
  app.server.on('listening', () => {
    isPath = typeof app.server.address() === 'string';
  });
  return () => isPath;
}

/** The names that a `Host` may have, made anew with each configuration. */
function trustedHosts(config: () => LiveConfig): () => ReadonlySet<string> {
  let known: { readonly live: LiveConfig; readonly names: ReadonlySet<string> } | undefined;
  return () => {
    const live = config();
    if (known?.live === live) return known.names;
    const { host, allowedHosts } = live.settings.server;
    const own = isWildcard(host) ? [] : [host];
    known = { live, names: new Set([...own, ...allowedHosts].map((name) => name.toLowerCase())) };
    return known.names;
  };
}
