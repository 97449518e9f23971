/** What stands in pairs in the URL of user streams: each listen key, then the events that are wanted of it. */
const KEY = 'listenKey';
const EVENTS = 'events';
const ACCOUNT_STREAM = /^[A-Za-z0-9]{40,}(?=@|$)/;

/**
 * True where the names of a query may stand in this order: each once, or several listen keys, each followed by at most
 * one list of events of its own.
 */
export function isPairedQuery(names: readonly string[]): boolean {
  const others = names.filter((name) => name !== KEY && name !== EVENTS);
  if (new Set(others).size < others.length) return false;
  const paired = names.filter((name) => name === KEY || name === EVENTS);
  if (new Set(paired).size === paired.length) return true;
  return paired.every((name, index) => name === KEY || paired[index - 1] === KEY);
}

/** The listen key that a stream's name begins with. */
export function listenKeyIn(stream: string): string | undefined {
  return ACCOUNT_STREAM.exec(stream)?.[0];
}

/** Every listen key in a target that was found to be canonical, each once, however it is written. */
export function listenKeysOf({ path, query }: { readonly path: string; readonly query: string }): string[] {
  const pairs = query
    .slice(1)
    .split('&')
    .map((segment) => /^([^=]*)=?(.*)$/.exec(segment) ?? []);
  const named = pairs.flatMap(([, name, value = '']) => (name === KEY ? [value] : []));
  const listed = pairs.flatMap(([, name, value = '']) => (name === 'streams' ? value.split('/') : []));
  const found = [...path.split('/'), ...listed].flatMap((stream) => listenKeyIn(decoded(stream)) ?? []);
  return [...new Set([...found, ...named])];
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
