import type { Dispatcher } from 'undici';
import type { Method } from '../../core/catalogue/endpoint.ts';
import { hasCertainEnd, uncertainEnd } from '../../core/outcome/certain-end.ts';

export interface TextAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** Monotonic ms, just before the request was handed over and when the head of the answer had come. */
  readonly sentMs: number;
  readonly receivedMs: number;
}

/** How far one call came; `complete` has an answer, `body` the head of one. */
export interface FetchedText {
  readonly phase: 'not-connected' | 'after-bytes' | 'body' | 'complete';
  readonly answer: TextAnswer | undefined;
  readonly error: Error | undefined;
}

/** exchangeInfo is by far the largest answer that the proxy itself asks for. */
const MAX_BYTES = 64 * 1024 * 1024;

/** One call of the proxy's own, without a body: no redirect, no retry. Never rejects. */
export function fetchText(
  pool: Dispatcher,
  target: string,
  headers: readonly string[],
  method: Method = 'GET',
): Promise<FetchedText> {
  return new Promise((resolve) => {
    const reader = new TextReader(method, performance.now(), resolve);
    pool.dispatch({ method, path: target, headers: [...headers] }, reader);
  });
}

class TextReader implements Dispatcher.DispatchHandler {
  readonly #method: Method;
  readonly #sentMs: number;
  readonly #resolve: (fetched: FetchedText) => void;
  readonly #chunks: Buffer[] = [];
  #phase: FetchedText['phase'] = 'not-connected';
  #bytes = 0;
  #head: Omit<TextAnswer, 'text' | 'sentMs'> = { status: 0, headers: {}, receivedMs: 0 };

  constructor(method: Method, sentMs: number, resolve: (fetched: FetchedText) => void) {
    this.#method = method;
    this.#sentMs = sentMs;
    this.#resolve = resolve;
  }

  onRequestStart(): void {
    this.#phase = 'after-bytes';
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200) return;
    this.#phase = 'body';
    this.#head = { status, headers, receivedMs: performance.now() };
    if (!hasCertainEnd(this.#method, status, headers)) controller.abort(uncertainEnd());
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > MAX_BYTES) controller.abort(new Error('an answer to the proxy itself is too large'));
    else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    const text = Buffer.concat(this.#chunks).toString();
    this.#resolve({ phase: 'complete', answer: this.#answer(text), error: undefined });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    const answer = this.#phase === 'body' ? this.#answer('') : undefined;
    this.#resolve({ phase: this.#phase, answer, error });
  }

  #answer(text: string): TextAnswer {
    return { ...this.#head, sentMs: this.#sentMs, text };
  }
}
