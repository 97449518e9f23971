import { splitStreamNames } from './stream-names.ts';

/** Where a stream connection goes. */
export interface StreamTarget {
  readonly path: string;
  /** `/public`, `/market`, `/private`, `/pm`, `/pm-classic`, or nothing. */
  readonly route: string;
  /** True for `/stream`: every event is wrapped with the name of its stream. */
  readonly isCombined: boolean;
  readonly names: readonly string[];
  /** The wanted user data events; undefined for all. */
  readonly events: ReadonlySet<string> | undefined;
}

const TARGET = /^(\/(?:public|market|private|pm|pm-classic))?\/(ws|stream)(?:\/(.*))?$/;

/** Reads the target of a stream connection. Undefined when the path is none of a stream. */
export function readStreamTarget(path: string, query: URLSearchParams): StreamTarget | undefined {
  const match = TARGET.exec(path);
  if (match === null) return undefined;
  const [, route = '', kind, inPath = ''] = match;
  const isCombined = kind === 'stream';
  if (isCombined && inPath !== '') return undefined;
  const listed = isCombined ? (query.get('streams') ?? '') : inPath;
  const listenKey = query.get('listenKey');
  const names = [...splitStreamNames(listed), ...(listenKey === null ? [] : [listenKey])];
  const events = query.get('events');
  return {
    path,
    route,
    isCombined,
    names,
    events: events === null ? undefined : new Set(events.split('/')),
  };
}
