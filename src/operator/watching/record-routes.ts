import type { FastifyInstance, FastifyRequest } from 'fastify';
import { readMoment } from '../../audit/reading/read-moment.ts';
import { PolicySuggestion } from '../../audit/searching/policy-suggestion.ts';
import { readFolderSince } from '../../audit/searching/read-since.ts';
import { type Search, searchFolder, searchLines } from '../../audit/searching/record-search.ts';
import { Verification } from '../../audit/searching/verification.ts';
import type { Settings } from '../../config/schema/settings.ts';
import type { Catalogue } from '../../core/catalogue/catalogue.ts';
import { OperatorError } from '../access/operator-error.ts';
import { actingOn, sessionIdOf } from '../access/operator-gate.ts';
import type { Sessions } from '../access/sessions.ts';
import type { OperatorRecords } from '../operator-records.ts';
import { EventStreams } from './event-streams.ts';
import type { RecordFeed } from './record-feed.ts';

export interface RecordRoutesDeps {
  readonly settings: () => Settings;
  readonly sessions: Sessions;
  readonly records: OperatorRecords;
  readonly feed: RecordFeed;
  readonly catalogue: Catalogue;
  readonly monotonicNow: () => number;
}

const TEXTS = ['client', 'symbol', 'event', 'outcome', 'error', 'id'] as const;
const MOST_RECORDS = 1_000;
const USUAL_RECORDS = 200;
/** More searches at a time would only slow each other down, and calls with them. */
const MOST_SEARCHES = 2;
const NO_FOLDER = 'Without an audit folder there is no chain: set BINANCE_PROXY_AUDIT_DIR.';

/** Routes by which operators read records: those of the past, those that come, and whether their chain is whole. */
export function addRecordRoutes(app: FastifyInstance, deps: RecordRoutesDeps): EventStreams {
  const { settings, sessions, records, feed, catalogue, monotonicNow } = deps;
  const streams = new EventStreams(feed);
  const verification = new Verification(monotonicNow);
  let searches = 0;

  app.addHook('preClose', async () => streams.close());

  async function inPlace<T>(search: () => Promise<T>): Promise<T> {
    if (searches >= MOST_SEARCHES) throw new OperatorError(503, 'Other searches are under way.', 1);
    searches++;
    try {
      return await search();
    } finally {
      searches--;
    }
  }

  app.get('/operator/records', (request, reply) => {
    const search = readQuery(request);
    return inPlace(async () => {
      const { dir } = settings().audit;
      const {
        lines,
        isComplete,
        backTo = null,
        before = null,
      } = dir === undefined
        ? await searchLines(feed.kept, search)
        : await searchFolder(dir, search, monotonicNow);
      const rest = JSON.stringify({ isComplete, backTo, before, isStored: dir !== undefined });
      reply.type('application/json; charset=utf-8');
      // The lines are JSON: they are handed on as they stand in the file.
      return `{"records":[${lines.join(',')}],${rest.slice(1)}`;
    });
  });

  app.get('/operator/suggestion', (request) => {
    const { dir } = settings().audit;
    const { client, sinceMs = 0 } = readQuery(request).query;
    if (dir === undefined) throw new OperatorError(409, NO_FOLDER);
    if (client === undefined) throw new OperatorError(400, 'client is the name of the client.');
    return inPlace(async () => {
      const suggestion = new PolicySuggestion(client, catalogue);
      await readFolderSince(dir, sinceMs, (record) => suggestion.add(record), monotonicNow);
      return { client, yaml: suggestion.print() };
    });
  });

  app.get('/operator/events', { exposeHeadRoute: false }, (request, reply) => {
    const { operator, channel } = actingOn(request);
    streams.assertRoom();
    const id = channel === 'session' ? sessionIdOf(request) : undefined;
    const mayStay = () =>
      settings().operators.get(operator.name)?.tokenDigest === operator.tokenDigest &&
      (id === undefined || sessions.isOpen(id));
    reply.hijack();
    reply.raw.writeHead(200, {
      ...(reply.getHeaders() as Record<string, string>),
      'content-type': 'text/event-stream; charset=utf-8',
      'x-accel-buffering': 'no',
    });
    streams.add(reply.raw, mayStay);
  });

  app.get('/operator/verification', () => verification.state);
  app.post('/operator/verification', (request, reply) => {
    const { dir, key } = settings().audit;
    if (dir === undefined) throw new OperatorError(409, NO_FOLDER);
    const { fromSeq = 1 } = Object(request.body) as { readonly fromSeq?: unknown };
    if (typeof fromSeq !== 'number' || !Number.isSafeInteger(fromSeq) || fromSeq < 1)
      throw new OperatorError(400, 'fromSeq is the number of the first record that is still there.');
    records.acted(actingOn(request), 'chain verified');
    void verification.run({ folder: dir, key, firstSeq: fromSeq });
    return reply.code(202).send(verification.state);
  });
  return streams;
}

/** @throws OperatorError when a parameter stands twice or cannot be read */
function readQuery({ query }: FastifyRequest): Search {
  const given = query as Readonly<Record<string, string | readonly string[] | undefined>>;
  const text = (name: string): string | undefined => {
    const value = given[name];
    if (Array.isArray(value)) throw new OperatorError(400, `The parameter ${name} stands there twice.`);
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const moment = (name: string, edge: 'start' | 'end'): number | undefined => {
    const value = text(name);
    const timeMs = value === undefined ? undefined : readMoment(value, edge, Date.now());
    if (value !== undefined && timeMs === undefined)
      throw new OperatorError(400, `${name} takes a day, an ISO time in UTC, or 90m, 24h, 7d.`);
    return timeMs;
  };
  const number = (name: string, most: number): number | undefined => {
    const value = text(name);
    if (value !== undefined && !(/^[1-9]\d*$/.test(value) && Number(value) <= most))
      throw new OperatorError(400, `${name} is a number from 1 to ${most}.`);
    return value === undefined ? undefined : Number(value);
  };
  return {
    limit: number('limit', MOST_RECORDS) ?? USUAL_RECORDS,
    before: number('before', Number.MAX_SAFE_INTEGER),
    query: {
      ...Object.fromEntries(TEXTS.map((name) => [name, text(name)])),
      symbol: text('symbol')?.toUpperCase(),
      sinceMs: moment('since', 'start'),
      untilMs: moment('until', 'end'),
    },
  };
}
