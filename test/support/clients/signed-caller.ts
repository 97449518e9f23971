import { createHmac, type KeyObject, sign } from 'node:crypto';
import { type IncomingHttpHeaders, request } from 'node:http';

export interface Received {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The body as JSON; undefined when it is none. */
  readonly json: unknown;
}

/** The member of an answer that a path of names and positions leads to. */
export function member<Value = string>({ json }: Received, ...path: readonly (string | number)[]): Value {
  let value = json;
  for (const step of path) value = (value as Record<string | number, unknown>)[step];
  return value as Value;
}

export interface RawCall {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** Sends exactly these bytes and reads the whole answer. */
export function send(origin: string, method: string, target: string, call: RawCall = {}): Promise<Received> {
  const { promise, resolve, reject } = Promise.withResolvers<Received>();
  const { hostname, port } = new URL(origin);
  const body = Buffer.from(call.body ?? '');
  const form = body.length > 0 ? { 'Content-Type': 'application/x-www-form-urlencoded' } : {};
  const outgoing = request(
    {
      hostname,
      port,
      method,
      path: target,
      agent: false,
      headers: { ...form, ...(body.length > 0 ? { 'Content-Length': body.length } : {}), ...call.headers },
    },
    (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const received = Buffer.concat(chunks);
        resolve({
          status: incoming.statusCode ?? 0,
          headers: incoming.headers,
          body: received,
          json: readJson(received),
        });
      });
    },
  );
  outgoing.on('error', reject);
  outgoing.end(body);
  return promise;
}

function readJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

export type Signer = (payload: string) => string;

export function hmacSigner(secret: string): Signer {
  return (payload) => createHmac('sha256', secret).update(payload, 'latin1').digest('hex');
}

export function asymmetricSigner(key: KeyObject): Signer {
  const digest = key.asymmetricKeyType === 'rsa' ? 'sha256' : null;
  return (payload) =>
    encodeURIComponent(sign(digest, Buffer.from(payload, 'latin1'), key).toString('base64'));
}

/** Percent-encoded `name=value` pairs joined by `&`. */
export function form(pairs: Readonly<Record<string, string | number>>): string {
  return Object.entries(pairs)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join('&');
}

/** Calls that are signed as they should be: POST and PUT in the body, everything else in the query. */
export class SignedCaller {
  readonly origin: string;
  readonly apiKey: string;
  readonly signer: Signer;
  readonly nowMs: () => number;

  constructor(origin: string, apiKey: string, signer: Signer, nowMs: () => number = Date.now) {
    this.nowMs = nowMs;
    this.origin = origin;
    this.apiKey = apiKey;
    this.signer = signer;
  }

  call(
    method: string,
    path: string,
    pairs: Readonly<Record<string, string | number>> = {},
  ): Promise<Received> {
    return this.payload(method, path, form({ ...pairs, recvWindow: 5_000, timestamp: this.nowMs() }));
  }

  /** Signs a payload as it is. */
  payload(method: string, path: string, payload: string): Promise<Received> {
    const text = `${payload}&signature=${this.signer(payload)}`;
    const headers = { 'X-MBX-APIKEY': this.apiKey };
    return method === 'POST' || method === 'PUT'
      ? send(this.origin, method, path, { headers, body: text })
      : send(this.origin, method, `${path}?${text}`, { headers });
  }
}
