import type { SocketTarget } from './socket-target.ts';

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

/** True when the events of a stream socket come with the name of their stream around them. */
export function isCombined({ printable }: SocketTarget): boolean {
  return printable.endsWith('/stream');
}

/** Reads what a public stream socket asks for. Undefined for a socket that cannot be shared. */
export function streamWish(target: SocketTarget): StreamWish | undefined {
  if (target.kind !== 'stream' || target.isPrivate) return undefined;
  const query = new URLSearchParams(target.query);
  const timeUnit = query.get('timeUnit');
  const combined = isCombined(target);
  const names = combined ? query.get('streams') : decodeNames(target.path.slice(target.printable.length + 1));
  if (names === undefined || (!combined && query.has('streams'))) return undefined;
  const route = target.printable.replace(/\/(?:ws|stream)$/, '');
  return {
    names: [...new Set((names ?? '').split('/').filter((name) => name !== ''))],
    isCombined: combined,
    sharedTarget: `${route}/stream${timeUnit === null ? '' : `?timeUnit=${timeUnit}`}`,
  };
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
