/** A refusal of the proxy: one sentence for whoever asked. */
export class Refusal extends Error {
  constructor(status, sentence) {
    super(sentence);
    this.status = status;
  }
}

/** Told when the session is over. */
let onLoggedOut = () => {};

export function whenLoggedOut(tell) {
  onLoggedOut = tell;
}

async function ask(method, path, body) {
  const sent =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  let answer;
  try {
    answer = await fetch(path, { method, ...sent });
  } catch {
    throw new Refusal(0, 'The proxy does not answer.');
  }
  const said = await answer.json().catch(() => undefined);
  if (answer.ok) return said;
  if (answer.status === 401 && path !== '/operator/session') onLoggedOut();
  throw new Refusal(answer.status, said?.error ?? `The proxy answered ${answer.status}.`);
}

export const get = (path) => ask('GET', path);
export const post = (path, body) => ask('POST', path, body);
export const logIn = (token) => post('/operator/session', { token });
export const logOut = () => ask('DELETE', '/operator/session');

/** A path with the parameters that say something. */
export function withQuery(path, parameters) {
  const said = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== '');
  return said.length === 0 ? path : `${path}?${new URLSearchParams(said)}`;
}

/** Whether what comes is all of it, for the notice at the top of the page. */
const AGAIN_MS = 4_000;

/**
 * Listens to records as they are written, and goes on listening after a break. `tell` gets lists of records; `note` how
 * the stream is: `open`, `away` or `full`.
 */
export function listen({ tell, note, missed }) {
  let source;
  let timer;
  let isOver = false;
  const connect = () => {
    source = new EventSource('/operator/events');
    source.addEventListener('open', () => note('open'));
    source.addEventListener('records', ({ data }) => tell(JSON.parse(data)));
    source.addEventListener('missed', ({ data }) => missed(Number(data)));
    source.addEventListener('error', () => {
      note('away');
      // A refused stream is closed for good by the browser; a broken one it opens again by itself.
      if (source.readyState !== EventSource.CLOSED || isOver) return;
      timer = setTimeout(connect, AGAIN_MS);
    });
  };
  connect();
  return () => {
    isOver = true;
    clearTimeout(timer);
    source.close();
  };
}
