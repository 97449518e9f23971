import { malformedRequest, ProxyError } from '../errors.ts';
import type { UpstreamName } from '../upstream.ts';
import { type Pair, rawValue, splitForm, splitJson } from './form.ts';
import { readTarget, type Target } from './target.ts';

/** What the client sent to authenticate and date its own request. It is judged, never forwarded. */
export interface ClientStamp {
  readonly timestamp: string | undefined;
  readonly recvWindow: string | undefined;
  readonly signature: string | undefined;
  /** True when one of them stands more than once, wherever it stands. */
  readonly isRepeated?: true;
}

/** A request in canonical form: what is checked here is what is signed and sent. */
export interface Call {
  readonly method: string;
  /** The upstream that the path names; undefined when it names none. */
  readonly upstream: UpstreamName | undefined;
  /** The literal path without an upstream prefix, e.g. `/api/v3/order`. */
  readonly path: string;
  readonly query: readonly Pair[];
  readonly body: readonly Pair[];
  /** Names that stand more than once within the query or within the body. */
  readonly repeated: readonly string[];
  readonly stamp: ClientStamp;
}

const OPENING_BRACE = 0x7b;
const HYPHEN = 0x2d;
const LINE_FEED = 0x0a;
const MULTIPART =
  'a multipart body is not read, send the parameters as application/x-www-form-urlencoded, as flat JSON, or in the query';
const NO_PAIRS: readonly Pair[] = [];

/**
 * The one parser: request target and body bytes to a canonical call. The first byte of the body decides how it is
 * read (`{` a flat JSON object, else form); the Content-Type proves nothing and is not looked at.
 * @throws ProxyError PROXY_MALFORMED_REQUEST, PROXY_DUPLICATE_PARAMETER
 */
export function readCall(method: string, target: string, body: Uint8Array): Call {
  return withBody(readHead(method, readTarget(target)), body);
}

/**
 * The call as its request line tells it, before its body is read.
 * @throws ProxyError PROXY_MALFORMED_REQUEST
 */
export function readHead(method: string, { upstream, path, query }: Target): Call {
  const stamp: Collected = { timestamp: undefined, recvWindow: undefined, signature: undefined };
  const repeated: string[] = [];
  const pairs = keep(splitForm(query), stamp, repeated);
  return { method, upstream, path, query: pairs, body: NO_PAIRS, repeated, stamp };
}

/**
 * The whole call: what the head told, and what the body says.
 * @throws ProxyError PROXY_MALFORMED_REQUEST, PROXY_DUPLICATE_PARAMETER
 */
export function withBody(head: Call, body: Uint8Array): Call {
  if (body.length === 0) return head;
  if (head.method === 'GET') throw malformedRequest('a GET request must not carry a body');
  const stamp: Collected = { ...head.stamp };
  const repeated = [...head.repeated];
  const pairs = keep(splitBody(body), stamp, repeated);
  const query = pairs.length === 0 ? head.query : withoutEchoes(head.query, pairs);
  return { ...head, query, body: pairs, repeated, stamp };
}

/** All pairs of a call, query first. */
export function allPairs(call: Call): readonly Pair[] {
  if (call.body.length === 0) return call.query;
  return call.query.length === 0 ? call.body : [...call.query, ...call.body];
}

/** The first parameter of that name; a call that passed the duplicate check has one at the most. */
export function findPair(call: Call, name: string): Pair | undefined {
  for (const pair of call.query) if (pair.name === name) return pair;
  for (const pair of call.body) if (pair.name === name) return pair;
  return undefined;
}

interface Collected {
  timestamp: string | undefined;
  recvWindow: string | undefined;
  signature: string | undefined;
  isRepeated?: true;
}

function splitBody(body: Uint8Array): Pair[] {
  if (body.length === 0) return [];
  if (body[0] === OPENING_BRACE) return splitJson(body);
  if (isMultipart(body)) throw malformedRequest(MULTIPART);
  return splitForm(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1'));
}

/** A boundary is a line that begins with two hyphens; a form is one line. */
function isMultipart(body: Uint8Array): boolean {
  return body[0] === HYPHEN && body[1] === HYPHEN && body.includes(LINE_FEED);
}

/** Takes the client's own stamp out and notes the names that stand twice. */
function keep(pairs: Pair[], stamp: Collected, repeated: string[]): Pair[] {
  const kept: Pair[] = [];
  const seen = new Set<string>();
  for (const pair of pairs) {
    if (pair.name === 'timestamp' || pair.name === 'recvWindow' || pair.name === 'signature') {
      if (stamp[pair.name] === undefined) stamp[pair.name] = rawValue(pair);
      else stamp.isRepeated = true;
      continue;
    }
    if (seen.has(pair.name)) repeated.push(pair.name);
    else seen.add(pair.name);
    kept.push(pair);
  }
  return kept;
}

/** Drops from the query what the body says with the same bytes (one official SDK sends its body twice). */
function withoutEchoes(query: readonly Pair[], body: readonly Pair[]): readonly Pair[] {
  if (query.length === 0) return query;
  const inBody = textsByName(body);
  const inQuery = textsByName(query);
  const echoes = new Set<string>();
  for (const [name, texts] of inQuery) {
    const twin = inBody.get(name);
    if (twin === undefined) continue;
    if (twin !== texts) {
      throw new ProxyError('PROXY_DUPLICATE_PARAMETER', 'A parameter differs between query and body.', {
        rule: 'query and body differ',
      });
    }
    echoes.add(name);
  }
  return echoes.size === 0 ? query : query.filter((pair) => !echoes.has(pair.name));
}

function textsByName(pairs: readonly Pair[]): Map<string, string> {
  const texts = new Map<string, string>();
  for (const pair of pairs) {
    const earlier = texts.get(pair.name);
    texts.set(pair.name, earlier === undefined ? pair.text : `${earlier}&${pair.text}`);
  }
  return texts;
}
