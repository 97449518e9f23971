import type { BinanceHost } from '../binance-hosts.ts';
import type { Retired } from '../catalogue/retired.ts';
import { ProxyError } from '../errors.ts';
import { FAMILY_OF_NAME, FAMILY_OF_WS_API_PATH, type SocketFamily } from '../upstream.ts';
import { isPairedQuery } from './stream-query.ts';

/** Where a WebSocket of an app goes. */
export interface SocketTarget {
  readonly kind: 'api' | 'stream';
  readonly family: SocketFamily;
  /** The path that is sent. */
  readonly path: string;
  /** With its question mark; empty when there is none. */
  readonly query: string;
  /** The path for logs: without stream names and listen keys. */
  readonly printable: string;
  /** True when the target carries a listen key: the stream is one account's own. */
  readonly isPrivate: boolean;
}

/** Query parameters of the signed APIs. `responseFormat` is missing: SBE answers could not be recorded. */
const API_QUERY: ReadonlyMap<string, RegExp> = new Map([
  ['returnRateLimits', /^(?:true|false)$/],
  ['timeUnit', /^(?:MILLISECOND|MICROSECOND|millisecond|microsecond)$/],
]);
const STREAM_QUERY: ReadonlyMap<string, RegExp> = new Map([
  // Empty as the official JavaScript packages open it, to subscribe afterwards.
  ['streams', /^/],
  ['timeUnit', /^(?:MILLISECOND|MICROSECOND|millisecond|microsecond)$/],
  ['listenKey', /^[A-Za-z0-9]+$/],
  ['events', /^[A-Za-z_/]+$/],
]);
const CLOSED_ROUTE: Retired = {
  date: '2026-04-23',
  instead: '/public/… for books, /market/… for all other public streams and /private/… for user data',
};
/** The routes of the stream hosts. What follows is a list of stream names. */
const STREAM_ROUTE = /^(?:\/(?:public|market|private|pm|pm-classic))?\/(?:ws|stream)(?=\/|$)/;
const ROUTED = /^\/(?:public|market|private|pm|pm-classic)\//;
/** Stream names: letters, digits, `@!_.-:` and percent escapes, separated by slashes. */
const STREAM_NAMES = /^(?:[A-Za-z0-9@!_.\-:/]|%[0-9A-Fa-f]{2})*$/;
const LISTEN_KEY = /(?:^|[/=])[A-Za-z0-9]{40,}(?:$|[/&])|[?&]listenKey=/;

/**
 * Reads the target of an upgrade; undefined when no WebSocket is served there.
 * @param host the host of Binance's that was called by its name: it decides then, and no segment does
 * @throws ProxyError PROXY_MALFORMED_REQUEST for a served path with a query or stream names that are not canonical
 */
export function readSocketTarget(target: string, host?: BinanceHost): SocketTarget | undefined {
  const mark = target.indexOf('?');
  const whole = (mark === -1 ? target : target.slice(0, mark)).replace(/^\/+/, '/');
  const query = mark === -1 || mark === target.length - 1 ? '' : target.slice(mark);
  const { named, path } =
    host === undefined ? familyOf(whole) : { named: host.api ?? host.stream, path: whole };
  const api = FAMILY_OF_WS_API_PATH.get(path);
  if (api !== undefined && (named === undefined || named === api)) {
    if (host !== undefined && host.api !== api) return undefined;
    checkQuery(query, API_QUERY);
    return { kind: 'api', family: api, path, query, printable: path, isPrivate: false };
  }
  const route = STREAM_ROUTE.exec(path)?.[0];
  if (route === undefined || (host !== undefined && host.stream === undefined)) return undefined;
  const family = named ?? (ROUTED.test(path) ? 'usdm' : 'spot');
  if (ROUTED.test(path) && family !== 'usdm') return undefined;
  checkNames(path.slice(route.length));
  checkQuery(query, STREAM_QUERY);
  const isPrivate = /^\/(?:private|pm|pm-classic)\//.test(path) || LISTEN_KEY.test(`${path}${query}`);
  if (isPrivate && host?.isPublicOnly === true) return undefined;
  return { kind: 'stream', family, path, query, printable: route, isPrivate };
}

/** The family that a path names by its first segment, and the path without that segment. */
function familyOf(whole: string): { readonly named: SocketFamily | undefined; readonly path: string } {
  const end = whole.indexOf('/', 1);
  const first = end === -1 ? '' : whole.slice(1, end);
  // Options stream from the routes of USD-M's host.
  const isOptions = first === 'options' && ROUTED.test(whole.slice(end));
  const named = isOptions ? 'usdm' : FAMILY_OF_NAME.get(first);
  return { named, path: named === undefined ? whole : whole.slice(end) };
}

/**
 * Binance closed the streams of USD-M without a route: whoever connects there hears nothing.
 * @param origin where the target goes; other hosts than Binance's live one may still serve it
 */
export function closedRoute({ kind, family, path }: SocketTarget, origin: string): Retired | undefined {
  const isOpen = kind !== 'stream' || family !== 'usdm' || ROUTED.test(path);
  return isOpen || new URL(origin).hostname !== 'fstream.binance.com' ? undefined : CLOSED_ROUTE;
}

function checkQuery(query: string, known: ReadonlyMap<string, RegExp>): void {
  if (query === '') return;
  const names: string[] = [];
  for (const segment of query.slice(1).split('&')) {
    if (segment === '') continue;
    const equals = segment.indexOf('=');
    const name = equals === -1 ? segment : segment.slice(0, equals);
    const value = equals === -1 ? '' : segment.slice(equals + 1);
    if (known.get(name)?.test(value) !== true) throw malformed('its query is not served');
    if (name === 'streams') checkNames(value);
    names.push(name);
  }
  if (!isPairedQuery(names)) throw malformed('a name of its query stands twice');
}

function checkNames(names: string): void {
  if (!STREAM_NAMES.test(names) || /(?:^|\/)\.{1,2}(?:\/|$)/.test(names) || names.includes('//')) {
    throw malformed('its stream names are not canonical');
  }
}

function malformed(why: string): ProxyError {
  return new ProxyError('PROXY_MALFORMED_REQUEST', `Malformed WebSocket target: ${why}.`, {
    rule: `socket target: ${why}`,
  });
}
