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
const MAX_BYTES = 64 * 1024 * 1024;

/** One GET of the proxy's own: no redirect, no retry. */
export function fetchText(pool: Dispatcher, target: string, headers: readonly string[]): Promise<TextAnswer> {
  return new Promise((resolve, reject) => {
    const reader = new TextReader(performance.now(), resolve, reject);
    pool.dispatch({ method: 'GET', path: target, headers: [...headers] }, reader);
  });
}

class TextReader implements Dispatcher.DispatchHandler {
  readonly #sentMs: number;
  readonly #resolve: (answer: TextAnswer) => void;
  readonly #reject: (error: Error) => void;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #head: Omit<TextAnswer, 'text' | 'sentMs'> = { status: 0, headers: {}, receivedMs: 0 };

  constructor(sentMs: number, resolve: (answer: TextAnswer) => void, reject: (error: Error) => void) {
    this.#sentMs = sentMs;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Asked for by undici, which refuses a handler without it. */
  onRequestStart(): void {}

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status >= 200) this.#head = { status, headers, receivedMs: performance.now() };
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > MAX_BYTES) controller.abort(new Error('an answer to the proxy itself is too large'));
    else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    this.#resolve({ ...this.#head, sentMs: this.#sentMs, text: Buffer.concat(this.#chunks).toString() });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#reject(error);
  }
}
