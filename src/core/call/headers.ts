/** Header values by lower-case name, as Node's HTTP server and undici hand them over. */
export type HeaderValues = Readonly<Record<string, string | readonly string[] | undefined>>;

const UP = ['accept', 'accept-encoding', 'user-agent', 'x-mbx-sbe', 'x-mbx-time-unit'] as const;
const BACK = new Set(['content-type', 'content-encoding', 'content-length', 'date', 'retry-after']);
const BACK_PREFIX = /^x-(?:mbx|sapi)-/;

/**
 * What goes up, as a flat list of names and values: the allow-list, the key where the endpoint wants one, and the
 * content type of what is really sent (a body is always form; without one the client's own word passes).
 */
export function upHeaders(incoming: HeaderValues, apiKey: string | undefined, hasBody: boolean): string[] {
  const headers: string[] = [];
  for (const name of UP) {
    const value = incoming[name];
    if (typeof value === 'string') headers.push(name, value);
  }
  if (hasBody) headers.push('content-type', 'application/x-www-form-urlencoded');
  else if (typeof incoming['content-type'] === 'string')
    headers.push('content-type', incoming['content-type']);
  if (apiKey !== undefined) headers.push('x-mbx-apikey', apiKey);
  return headers;
}

/** What comes back, as a flat list of names and values: nothing that is not on the allow-list. */
export function backHeaders(upstream: HeaderValues): string[] {
  const headers: string[] = [];
  for (const name in upstream) {
    if (!BACK.has(name) && !BACK_PREFIX.test(name)) continue;
    const value = upstream[name];
    if (typeof value === 'string') headers.push(name, value);
    else if (value !== undefined) for (const each of value) headers.push(name, each);
  }
  return headers;
}
