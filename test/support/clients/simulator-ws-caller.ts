import { createHmac, type KeyObject, sign } from 'node:crypto';
import { once } from 'node:events';
import { WebSocket } from 'ws';

export type Json = Readonly<Record<string, unknown>>;
export interface WsAnswer {
  readonly id: unknown;
  readonly status: number;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly msg: string; readonly data?: Json };
  readonly rateLimits?: readonly Json[];
}
/** Signs the raw text of sorted parameters. */
export type FrameSigner = (payload: string) => string;

export function hmacFrames(secret: string): FrameSigner {
  return (payload) => createHmac('sha256', secret).update(payload, 'utf8').digest('hex');
}

export function keyFrames(key: KeyObject): FrameSigner {
  const digest = key.asymmetricKeyType === 'rsa' ? 'sha256' : null;
  return (payload) => sign(digest, Buffer.from(payload, 'utf8'), key).toString('base64');
}

/** JSON text of a value that keeps a number's digits: `raw('0.10000000')`. */
export class Lexeme {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type FrameValue = string | number | boolean | Lexeme;

export interface FrameKey {
  readonly apiKey: string;
  readonly signer: FrameSigner;
}

/** The parameters of a signed frame as JSON text; `changes` are put in after signing. */
export function signedParams(
  params: Readonly<Record<string, FrameValue>>,
  { apiKey, signer }: FrameKey,
  timestamp: number,
  changes: Readonly<Record<string, FrameValue>> = {},
): string {
  const covered: Record<string, FrameValue> = { ...params, apiKey, timestamp };
  const payload = Object.keys(covered)
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .map((name) => `${name}=${plain(covered[name]!)}`)
    .join('&');
  const all = { ...covered, signature: signer(payload), ...changes };
  return objectText(all);
}

export function objectText(members: Readonly<Record<string, FrameValue>>): string {
  const texts = Object.entries(members).map(
    ([name, value]) =>
      `${JSON.stringify(name)}:${value instanceof Lexeme ? value.text : JSON.stringify(value)}`,
  );
  return `{${texts.join(',')}}`;
}

function plain(value: FrameValue): string {
  return value instanceof Lexeme ? value.text : String(value);
}

/** The member of a message that a path of names and positions leads to. */
export function pick<Value = string>(message: unknown, ...path: readonly (string | number)[]): Value {
  let value = message;
  for (const step of path) value = (value as Record<string | number, unknown> | undefined)?.[step];
  return value as Value;
}

/** A WebSocket to the simulator that hands out what it receives, in order. */
export class Line {
  readonly socket: WebSocket;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  readonly #key: FrameKey | undefined;
  readonly #nowMs: () => number;
  readonly #arrived: string[] = [];
  #wake: (() => void) | undefined;
  #nextId = 1;

  constructor(url: string, key?: FrameKey, nowMs: () => number = Date.now) {
    this.#key = key;
    this.#nowMs = nowMs;
    this.socket = new WebSocket(url.replace(/^http/, 'ws'));
    this.socket.on('error', () => {});
    this.socket.on('message', (content) => {
      this.#arrived.push(content.toString());
      this.#wake?.();
    });
    this.closed = new Promise((resolve) => {
      this.socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
  }

  static async open(url: string, key?: FrameKey, nowMs?: () => number): Promise<Line> {
    const line = new Line(url, key, nowMs);
    await once(line.socket, 'open');
    return line;
  }

  /** The next text that arrives. */
  async nextText(): Promise<string> {
    while (this.#arrived.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#arrived.shift()!;
  }

  async next<Shape = Json>(): Promise<Shape> {
    return JSON.parse(await this.nextText()) as Shape;
  }

  /** The next text for which `wanted` is true; the others are dropped. */
  async until<Shape = Json>(wanted: (message: Shape) => boolean): Promise<Shape> {
    for (;;) {
      const message = await this.next<Shape>();
      if (wanted(message)) return message;
    }
  }

  send(text: string): void {
    this.socket.send(text);
  }

  /** Sends a frame with these parameters, given as JSON text or not, and waits for its answer. */
  call(method: string, params?: string | Json): Promise<WsAnswer> {
    const id = this.#nextId++;
    const written = typeof params === 'object' ? JSON.stringify(params) : params;
    this.send(`{"id":${id},"method":"${method}"${written === undefined ? '' : `,"params":${written}`}}`);
    return this.until<WsAnswer>((message) => message.id === id);
  }

  /** The same, signed with the key of this line. */
  signed(
    method: string,
    params: Readonly<Record<string, FrameValue>> = {},
    changes: Readonly<Record<string, FrameValue>> = {},
  ): Promise<WsAnswer> {
    return this.call(method, this.paramsText(params, changes));
  }

  paramsText(
    params: Readonly<Record<string, FrameValue>> = {},
    changes: Readonly<Record<string, FrameValue>> = {},
  ): string {
    return signedParams(params, this.#key!, this.#nowMs(), changes);
  }
}
