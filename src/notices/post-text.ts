import type { Dispatcher } from 'undici';
import type { WayOut } from '../config/schema/ways-out.ts';
import { isLoopback } from '../config/sections/hosts.ts';
import { createConnector, createTrust } from '../upstream/connections/connector.ts';
import { LoopError, type OwnAddresses } from '../upstream/connections/own-addresses.ts';
import { Pool } from '../upstream/connections/undici.ts';

/** A text for an address of the operator's. */
export interface PostedText {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface PostOptions {
  /** PEM of an additional authority; Node's own stay trusted. */
  readonly ca: string | undefined;
  /** Where it may not end. */
  readonly own: OwnAddresses;
  /** How it leaves this machine; what goes to the machine itself does not leave it. */
  readonly way: WayOut;
  /** How long all of it may take, in ms. */
  readonly timeoutMs: number;
}

/**
 * Sends a text once: TLS verified, no redirect followed, what is answered is not read. Never rejects.
 * @returns undefined when the status said that it was taken, else why not, without a part of the address
 */
export function postText(
  { url, headers, body }: PostedText,
  options: PostOptions,
): Promise<string | undefined> {
  const { ca, own, way, timeoutMs } = options;
  const { origin, hostname, pathname, search, username, password } = new URL(url);
  const isHere = isLoopback(hostname.replace(/^\[|\]$/g, ''));
  const pool = new Pool(origin, {
    connections: 1,
    pipelining: 1,
    allowH2: false,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    connect: createConnector(createTrust(ca), own, isHere ? undefined : way),
  });
  const basic = username === '' ? {} : { authorization: basicOf(username, password) };
  return new Promise((resolve) => {
    const end = (why: string | undefined) => {
      clearTimeout(timer);
      resolve(why);
      void pool.destroy();
    };
    const timer = setTimeout(() => end(`it was not taken within ${timeoutMs / 1000} s`), timeoutMs);
    timer.unref();
    const reader = new StatusReader(end);
    pool.dispatch(
      { method: 'POST', path: `${pathname}${search}`, headers: { ...basic, ...headers }, body },
      reader,
    );
  });
}

/** Waits for a status and for nothing else. */
class StatusReader implements Dispatcher.DispatchHandler {
  readonly #end: (why: string | undefined) => void;

  constructor(end: (why: string | undefined) => void) {
    this.#end = end;
  }

  onRequestStart(): void {}

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    if (status < 200) return;
    if (status < 300) this.#end(undefined);
    else if (status < 400) this.#end(`it was answered with a redirect (${status}), which is not followed`);
    else this.#end(`it was answered with status ${status}`);
  }

  onResponseData(): void {}

  onResponseEnd(): void {}

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#end(whyOf(error));
  }
}

function whyOf(error: Error): string {
  if (error instanceof LoopError) return 'its address is one of the proxy itself';
  if (error.name === 'HTTPParserError') return 'it was answered with what is no HTTP';
  const { code } = error as NodeJS.ErrnoException;
  return `there was no connection (${typeof code === 'string' ? code : 'no code'})`;
}

function basicOf(username: string, password: string): string {
  const words = [username, password].map(decodeURIComponent).join(':');
  return `Basic ${Buffer.from(words).toString('base64')}`;
}
