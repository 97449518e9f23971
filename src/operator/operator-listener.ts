import fastify, { type FastifyInstance } from 'fastify';
import type { Decisions } from '../approvals/decisions.ts';
import type { AuditTrail } from '../audit/trail.ts';
import type { Catalogue } from '../core/catalogue/catalogue.ts';
import { ProxyError } from '../core/errors.ts';
import { NO_SCHEMAS } from '../http/no-schemas.ts';
import type { Notices } from '../notices/notices.ts';
import type { OrderResolver } from '../orders/resolver.ts';
import type { LiveConfig } from '../pipeline/live-config.ts';
import { OperatorError } from './access/operator-error.ts';
import { actingOn, guardOperatorRoutes } from './access/operator-gate.ts';
import { assertOperatorTrust } from './access/operator-trust.ts';
import { Sessions } from './access/sessions.ts';
import { addApprovalRoutes } from './approval-routes.ts';
import { addConsolePage } from './console/console-page.ts';
import type { Metrics } from './metrics.ts';
import { operatorRecords } from './operator-records.ts';
import type { Overview } from './overview/overview.ts';
import { addSessionRoutes } from './session-routes.ts';
import { addStateRoutes, type StateRoutesDeps } from './state-routes.ts';
import type { Status } from './status.ts';
import type { RecordFeed } from './watching/record-feed.ts';
import { addRecordRoutes } from './watching/record-routes.ts';

export interface OperatorListenerDeps {
  readonly config: () => LiveConfig;
  readonly status: () => Status;
  readonly overview: () => Overview;
  readonly metrics: Pick<Metrics, 'contentType' | 'print'>;
  /** The records of this process as they are written. */
  readonly feed: RecordFeed;
  readonly catalogue: Catalogue;
  readonly resolver: Pick<OrderResolver, 'open'>;
  readonly notices: Pick<Notices, 'test'>;
  readonly trail: Pick<AuditTrail, 'note'>;
  readonly stops: StateRoutesDeps['stops'];
  readonly monotonicNow: () => number;
  readonly decisions: Decisions;
}

const LARGEST_BODY_BYTES = 64 * 1024;
const OPEN = { config: { isOpen: true } };

/**
 * The listener for operators: it works while Binance does not, and serves no Binance path. Probes and scrapers need no
 * token; everything else does, what does not exist included.
 */
export async function buildOperatorListener(deps: OperatorListenerDeps): Promise<FastifyInstance> {
  const { config, status, overview, metrics, feed, catalogue, resolver, notices, trail, monotonicNow } = deps;
  const app = fastify({
    logger: false,
    forceCloseConnections: true,
    return503OnClosing: false,
    schemaController: NO_SCHEMAS,
    bodyLimit: LARGEST_BODY_BYTES,
  });
  // What changes something comes as JSON, which no page of others can send without being asked first.
  app.removeContentTypeParser('text/plain');
  const settings = () => config().settings;
  const sessions = new Sessions(monotonicNow);
  const records = operatorRecords(trail);
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    assertOperatorTrust(request, settings());
  });
  app.setErrorHandler((error, _request, reply) => {
    const { status: httpStatus, sentence, retryAfterSeconds } = answerTo(error);
    if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds));
    if (httpStatus === 401) reply.header('www-authenticate', 'Bearer');
    return reply.code(httpStatus).send({ error: sentence });
  });
  app.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'not found' }));
  const judgeToken = await guardOperatorRoutes(app, {
    operators: () => settings().operators,
    sessions,
    onWrongToken: records.wrongToken,
  });
  app.get('/livez', OPEN, () => ({ status: 'ok' }));
  app.get('/readyz', OPEN, (_request, reply) => {
    const { ready, reasons } = status();
    return reply.code(ready ? 200 : 503).send({ ready, reasons: reasons.map(({ name }) => name) });
  });
  app.get('/metrics', OPEN, async (_request, reply) => {
    reply.type(metrics.contentType);
    return metrics.print();
  });
  app.get('/operator/status', () => {
    const { reasons, ...state } = status();
    return { ...state, reasons: reasons.map(({ sentence }) => sentence) };
  });
  app.get('/orders/unresolved', () => ({ orders: resolver.open() }));
  addStateRoutes(app, deps);
  addApprovalRoutes(app, deps.decisions);
  app.post('/operator/notices/test', async (request) => {
    const acting = actingOn(request);
    records.acted(acting, 'notices tested');
    return { notices: await notices.test(acting.operator.name) };
  });
  const streams = addRecordRoutes(app, { settings, sessions, records, feed, catalogue, monotonicNow });
  app.get('/operator/overview', (request) => {
    const { operator, channel } = actingOn(request);
    const { viewers, missed } = streams;
    const you = { name: operator.name, passkeyRequired: operator.passkeyRequired, channel };
    return { you, streams: { viewers, missed }, ...overview() };
  });
  addSessionRoutes(app, { settings, sessions, judgeToken, records });
  addConsolePage(app, () => settings().operators.size > 0);
  await app.ready();
  return app;
}

interface Refusal {
  readonly status: number;
  readonly sentence: string;
  readonly retryAfterSeconds?: number | undefined;
}

/** Sentences of our own are told; of any other error only what kind it is. */
function answerTo(error: unknown): Refusal {
  if (error instanceof OperatorError || error instanceof ProxyError)
    return { status: error.status, sentence: error.message, retryAfterSeconds: error.retryAfterSeconds };
  const { statusCode } = Object(error) as { readonly statusCode?: unknown };
  if (statusCode === 415) return { status: 415, sentence: 'A body has to be JSON.' };
  if (statusCode === 413) return { status: 413, sentence: 'The body is too large.' };
  if (statusCode === 400) return { status: 400, sentence: 'The body is no JSON.' };
  return { status: 500, sentence: 'internal error' };
}
