import { ProxyError } from '../errors.ts';
import { jsonElements, jsonSources } from '../json.ts';
import { canonicalId } from './frame.ts';
import type { SocketTarget } from './socket-target.ts';

/** A control frame of a stream socket. */
export interface ControlFrame {
  /** JSON text. */
  readonly id: string;
  readonly method: string;
  /** JSON texts of the parameters. */
  readonly params: readonly string[];
}

/** One event of a combined stream: the name of the stream, and the range of its payload in bytes. */
export interface StreamEvent {
  readonly stream: string;
  readonly from: number;
  readonly to: number;
}

/** What a public stream socket asks for in its URL. */
export interface StreamWish {
  readonly names: readonly string[];
  /** True when events come with the name of their stream around them. */
  readonly isCombined: boolean;
  /** Path and query of a combined socket on the same route, without names. */
  readonly sharedTarget: string;
}

const EVENT = /^\{"stream":("(?:[^"\\]|\\.)*"),"data":/;
const LONGEST_NAME = 512;
const CLOSING_BRACE = 0x7d;

/** Reads what a public stream socket asks for. Undefined for a socket that cannot be shared. */
export function streamWish(target: SocketTarget): StreamWish | undefined {
  if (target.kind !== 'stream' || target.isPrivate) return undefined;
  const query = new URLSearchParams(target.query);
  const timeUnit = query.get('timeUnit');
  const isCombined = target.printable.endsWith('/stream');
  const names = isCombined
    ? query.get('streams')
    : decodeNames(target.path.slice(target.printable.length + 1));
  if (names === undefined || (!isCombined && query.has('streams'))) return undefined;
  const route = target.printable.replace(/\/(?:ws|stream)$/, '');
  return {
    names: [...new Set((names ?? '').split('/').filter((name) => name !== ''))],
    isCombined,
    sharedTarget: `${route}/stream${timeUnit === null ? '' : `?timeUnit=${timeUnit}`}`,
  };
}

/**
 * Reads a control frame; the id and the params stay JSON texts.
 * @throws ProxyError PROXY_MALFORMED_REQUEST
 * @see https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams#live-subscribingunsubscribing-to-streams
 */
export function readControl(text: string): ControlFrame {
  const sources = new Map(jsonSources(text).map(({ name, source }) => [name, source]));
  const method = sources.get('method');
  const params = sources.get('params') ?? '[]';
  const id = canonicalId(sources.get('id') ?? 'null');
  if (method?.[0] !== '"' || params[0] !== '[' || id === undefined) {
    throw new ProxyError('PROXY_MALFORMED_REQUEST', 'Malformed frame: no control frame of a stream.', {
      rule: 'control frame',
    });
  }
  return { id, method: JSON.parse(method) as string, params: jsonElements(params) };
}

/** Reads an event of a combined stream. Undefined for anything else. */
export function readEvent(data: Buffer): StreamEvent | undefined {
  const match = EVENT.exec(data.toString('utf8', 0, LONGEST_NAME));
  if (match?.[1] === undefined || data.at(-1) !== CLOSING_BRACE) return undefined;
  return { stream: JSON.parse(match[1]) as string, from: Buffer.byteLength(match[0]), to: data.length - 1 };
}

function decodeNames(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
