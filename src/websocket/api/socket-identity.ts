import type { IncomingHttpHeaders } from 'node:http';
import type { Client } from '../../core/access/client.ts';
import { assertFresh, freshUntilMs } from '../../core/access/freshness.ts';
import type { Call } from '../../core/call/call.ts';
import type { Endpoint } from '../../core/catalogue/endpoint.ts';
import { ProxyError } from '../../core/errors.ts';
import type { JsonMember } from '../../core/json.ts';
import { verifyFrameSignature } from '../../core/signing/sign-frame.ts';
import { identifyClient } from '../../pipeline/clients/identify.ts';
import type { Line } from '../../pipeline/line.ts';
import type { LiveConfig } from '../../pipeline/live-config.ts';

interface Session {
  /** The key that the app showed; undefined when its upgrade already said who it is. */
  readonly apiKey: string | undefined;
  /** True when the logon was signed with the issued secret. */
  readonly isSigned: boolean;
  readonly sinceMs: number;
}

const MOST_KNOWN = 100;

/** Who speaks on a socket: by the key in a frame, by the session that was logged on, or by the header of the upgrade. */
export class SocketIdentity {
  readonly #headers: IncomingHttpHeaders;
  #session: Session | undefined;
  /** What a key came to, for as long as the configuration stays as it is. */
  readonly #known = new Map<string, Client | undefined>();
  #snapshot: LiveConfig | undefined;
  /** When the app connected, ms since the epoch. */
  readonly sinceMs: number;

  constructor(headers: IncomingHttpHeaders, sinceMs: number) {
    this.sinceMs = sinceMs;
    const { 'x-mbx-apikey': key, authorization } = headers;
    this.#headers = {
      ...(key === undefined ? {} : { 'x-mbx-apikey': key }),
      ...(authorization === undefined ? {} : { authorization }),
    };
  }

  get session(): Session | undefined {
    return this.#session;
  }

  logOn(session: Session): void {
    this.#session = session;
  }

  logOut(): void {
    this.#session = undefined;
  }

  /** A key in the frame decides, also when it is wrong. */
  clientFor(snapshot: LiveConfig, apiKey: string | undefined): Client | undefined {
    if (snapshot !== this.#snapshot) {
      this.#snapshot = snapshot;
      this.#known.clear();
    }
    const key = apiKey === undefined || apiKey === '' ? this.#session?.apiKey : apiKey;
    if (this.#known.has(key ?? '')) return this.#known.get(key ?? '');
    const headers = key === undefined ? this.#headers : { 'x-mbx-apikey': key };
    const client = identifyClient(headers, snapshot.settings);
    if (this.#known.size > MOST_KNOWN) this.#known.clear();
    this.#known.set(key ?? '', client);
    return client;
  }
}

/**
 * Judges what a client signed and dated itself, before it is dropped.
 * @returns true when the frame is signed with the issued secret
 * @throws ProxyError PROXY_BAD_SIGNATURE, PROXY_STALE_REQUEST, PROXY_MALFORMED_REQUEST
 */
export function judgeStamp(
  line: Line,
  client: Client,
  endpoint: Endpoint,
  call: Call,
  params: readonly JsonMember[],
  isProven: boolean,
): boolean {
  const { signature } = call.stamp;
  const untilMs = freshUntilMs(call.stamp);
  const nowMs = line.wallNow();
  assertFresh(untilMs, nowMs, line.clock.now() ?? nowMs);
  if (signature === undefined) {
    if (client.requireSignature && !isProven) {
      throw badSignature('This client has to sign its frames with its issued secret.', 'signature required');
    }
    return false;
  }
  if (client.secret === undefined) return false;
  if (!verifyFrameSignature(client.secret, signature, params)) {
    throw badSignature('Signature for this request is not valid.', 'signature');
  }
  if (endpoint.method === 'GET' || endpoint.method === 'DELETE') return true;
  if (untilMs === undefined) {
    throw badSignature(
      'A signed frame that changes something needs a timestamp.',
      'signature without timestamp',
    );
  }
  line.replays.accept(
    client.name,
    signature,
    untilMs,
    Math.min(nowMs, line.clock.now() ?? Number.POSITIVE_INFINITY),
  );
  return true;
}

/** @returns the refusal of whoever shows no key that was issued */
export function unknownClient(): ProxyError {
  return new ProxyError(
    'PROXY_UNKNOWN_CLIENT',
    'API-key format invalid: this is no key that the signing proxy issued.',
    { rule: 'client key' },
  );
}

function badSignature(message: string, rule: string): ProxyError {
  return new ProxyError('PROXY_BAD_SIGNATURE', message, { rule });
}
