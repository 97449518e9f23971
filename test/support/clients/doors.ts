import { createHmac, type KeyObject, sign } from 'node:crypto';
import { describe } from 'vitest';
import type { WsStage } from '../servers/ws-stage.ts';
import { send } from './http.ts';
import { connectApp, type WsApp } from './ws-app.ts';

/** One call, as each door spells it. */
export interface DoorCall {
  /** The method and path of REST. */
  readonly rest: readonly [method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string];
  /** The method of the WebSocket API. */
  readonly frame: string;
  /** The path of the signed API that knows the method. */
  readonly api?: string;
  readonly params?: Readonly<Record<string, string>>;
  /** The issued key; none when undefined. */
  readonly key?: string;
  /** The issued secret to sign with, as an official library does, or the private key of the app's own pair. */
  readonly secret?: string | KeyObject;
  /** The timestamp that is signed, ms; the time of now when undefined. */
  readonly timestampMs?: number;
}

/** What came back, in terms that every door has. */
interface DoorAnswer {
  readonly code: number | undefined;
  /** `x-proxy-error`; undefined when the answer is Binance's. */
  readonly error: string | undefined;
  readonly outcome: string | undefined;
  readonly requestId: string | undefined;
}

export interface Door {
  readonly name: 'an HTTP request' | 'a frame' | 'an own call';
  call(stage: WsStage, call: DoorCall): Promise<DoorAnswer>;
}

const sockets = new Map<string, WsApp>();

/** Closes the sockets that the frame door keeps open between calls. */
export async function closeDoors(): Promise<void> {
  await Promise.all([...sockets.values()].map((socket) => socket.close()));
  sockets.clear();
}

export const HTTP_DOOR: Door = {
  name: 'an HTTP request',
  async call({ proxy }, { rest: [method, path], params = {}, key, secret, timestampMs = Date.now() }) {
    const plain = Object.entries(params).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
    const dated = secret === undefined ? plain : [...plain, `timestamp=${timestampMs}`];
    const text = dated.join('&');
    const signed =
      secret === undefined ? text : `${text}&signature=${encodeURIComponent(signature(secret, text))}`;
    const reply = await send(proxy.port, signed === '' ? path : `${path}?${signed}`, {
      method,
      ...(key === undefined ? {} : { headers: { 'x-mbx-apikey': key } }),
    });
    return {
      code: reply.json?.code,
      error: reply.headers['x-proxy-error'] as string | undefined,
      outcome: reply.headers['x-proxy-outcome'] as string | undefined,
      requestId: reply.headers['x-proxy-request-id'] as string | undefined,
    };
  },
};

export const FRAME_DOOR: Door = {
  name: 'a frame',
  async call(stage, { frame, api = '/ws-api/v3', params = {}, key, secret, timestampMs = Date.now() }) {
    const socket = await socketTo(`${stage.wsUrl}${api}`);
    const keyed = key === undefined ? params : { ...params, apiKey: key };
    const dated: Record<string, string | number> =
      secret === undefined ? keyed : { ...keyed, timestamp: timestampMs };
    const payload = Object.keys(dated)
      .sort()
      .map((name) => `${name}=${dated[name]}`)
      .join('&');
    const signed = secret === undefined ? dated : { ...dated, signature: signature(secret, payload) };
    const { error } = await socket.ask(frame, signed);
    // The socket on which an answer was lost ends with it.
    if (error?.data?.proxyOutcome === 'unknown') await socket.closed;
    return {
      code: error?.code,
      error: error?.data?.proxyError as string | undefined,
      outcome: (error?.data?.proxyOutcome as string | undefined) ?? 'answered',
      requestId: error?.data?.proxyRequestId as string | undefined,
    };
  },
};

/** The proxy's own call: it is always the proxy's, so keys and signatures of clients mean nothing to it. */
export const OWN_DOOR: Door = {
  name: 'an own call',
  async call({ proxy }, { rest: [, path], params = {} }) {
    const query = new URLSearchParams(params).toString();
    const target = query === '' ? path : `${path}?${query}`;
    try {
      const answer = await proxy.parts.ownCalls.get({ upstream: 'spot', target });
      const code = /"code":(-\d+)/.exec(answer.text)?.[1];
      return {
        code: code === undefined ? undefined : Number(code),
        error: undefined,
        outcome: 'answered',
        requestId: undefined,
      };
    } catch (error) {
      const { name, code, outcome } = error as { name: string; code: number; outcome: string };
      return { code, error: name, outcome, requestId: undefined };
    }
  },
};

/** Runs one body through every door of an app; a rule that holds at one of them holds at all. */
export function describeEveryDoor(topic: string, doors: readonly Door[], body: (door: Door) => void): void {
  for (const door of doors) describe(`${topic}, through ${door.name}`, () => body(door));
}

async function socketTo(url: string): Promise<WsApp> {
  const known = sockets.get(url);
  if (known !== undefined && known.socket.readyState === known.socket.OPEN) return known;
  const opened = await connectApp(url);
  sockets.set(url, opened);
  return opened;
}

function signature(secret: string | KeyObject, text: string): string {
  if (typeof secret !== 'string') return sign(null, Buffer.from(text), secret).toString('base64');
  return createHmac('sha256', secret).update(text).digest('hex');
}
