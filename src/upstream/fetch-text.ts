import type { Dispatcher } from 'undici';

export interface TextAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** Monotonic ms, just before the request was handed over and when the head of the answer had come. */
  readonly sentMs: number;
  readonly receivedMs: number;
}

/** exchangeInfo is by far the largest answer that the proxy itself asks for. */
const MAX_CHARACTERS = 64 * 1024 * 1024;

/** One GET of the proxy's own: no redirect, no retry. */
export async function fetchText(
  pool: Dispatcher,
  target: string,
  headers: readonly string[],
): Promise<TextAnswer> {
  const sentMs = performance.now();
  const answer = await pool.request({ method: 'GET', path: target, headers: [...headers] });
  const receivedMs = performance.now();
  let text = '';
  answer.body.setEncoding('utf8');
  for await (const chunk of answer.body) {
    text += chunk as string;
    if (text.length > MAX_CHARACTERS) throw new Error('an answer to the proxy itself is too large');
  }
  return { status: answer.statusCode, headers: answer.headers, text, sentMs, receivedMs };
}
