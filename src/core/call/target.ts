import { type BinanceHost, upstreamOn } from '../binance-hosts.ts';
import { malformedRequest } from '../errors.ts';
import { UPSTREAM_OF_NAME, UPSTREAM_OF_SEGMENT, type UpstreamName } from '../upstream.ts';

export interface Target {
  readonly upstream: UpstreamName | undefined;
  readonly path: string;
  readonly query: string;
}

const SLASH = 0x2f;
const CANONICAL_PATH = /^(?:\/[A-Za-z0-9_.-]+)*\/?$/;
const DOT_SEGMENT = /\/\.{1,2}(?:\/|$)/;

/**
 * Reads a request target: a run of leading slashes counts as one, the first segment may name an upstream.
 * @param host the host of Binance's that was called by its name: it decides then, and no segment does
 * @throws ProxyError PROXY_MALFORMED_REQUEST for every form that is not canonical
 */
export function readTarget(target: string, host?: BinanceHost): Target {
  if (target.charCodeAt(0) !== SLASH) throw malformedRequest('the request target must begin with a slash');
  let start = 0;
  while (target.charCodeAt(start + 1) === SLASH) start++;
  if (target.includes('#')) throw malformedRequest('the request target must not carry a fragment');
  const mark = target.indexOf('?', start);
  const path = mark === -1 ? target.slice(start) : target.slice(start, mark);
  const query = mark === -1 ? '' : target.slice(mark + 1);
  if (query.includes('?')) throw malformedRequest('the request target has a second question mark');
  if (!CANONICAL_PATH.test(path) || DOT_SEGMENT.test(path))
    throw malformedRequest('the path is not in canonical form');
  if (host !== undefined) return { upstream: upstreamOn(host, path), path, query };
  const end = path.indexOf('/', 1);
  const first = path.slice(1, end === -1 ? undefined : end);
  const named = UPSTREAM_OF_NAME.get(first);
  if (named !== undefined) return { upstream: named, path: end === -1 ? '/' : path.slice(end), query };
  return { upstream: UPSTREAM_OF_SEGMENT.get(first), path, query };
}
