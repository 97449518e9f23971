import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Call } from '../core/call/call.ts';
import { upHeaders } from '../core/call/headers.ts';
import type { Endpoint } from '../core/catalogue/endpoint.ts';
import { ProxyError } from '../core/errors.ts';
import { changesNothing } from '../core/outcome/outcome-tables.ts';
import { plainCall, signCall, type WireRequest } from '../core/signing/sign-call.ts';
import type { CallContext } from '../pipeline/call-context.ts';
import type { Carrier, Seal, Send, Transfer } from '../pipeline/carrier.ts';
import { Relay } from './relay.ts';
import { writeHead } from './write-answer.ts';

/** Carries one HTTP request of an app to Binance and the answer back. */
export class HttpCarrier implements Carrier {
  readonly recordsAtOnce = false;
  readonly #context: CallContext;
  readonly #endpoint: Endpoint;
  readonly #request: FastifyRequest;
  readonly #reply: FastifyReply;
  readonly #slowReaderMs: number;

  constructor(
    context: CallContext,
    endpoint: Endpoint,
    { request, reply, slowReaderMs }: { request: FastifyRequest; reply: FastifyReply; slowReaderMs: number },
  ) {
    this.#context = context;
    this.#endpoint = endpoint;
    this.#request = request;
    this.#reply = reply;
    this.#slowReaderMs = slowReaderMs;
  }

  /** @throws ProxyError PROXY_STALE_REQUEST */
  assertOpen(): void {
    if (!this.#reply.raw.destroyed) return;
    throw new ProxyError('PROXY_STALE_REQUEST', 'The client hung up before its call was sent.', {
      rule: 'client hung up',
    });
  }

  isWanted(): boolean {
    return !this.#reply.raw.destroyed;
  }

  sign(call: Call, { credential, stamp }: Seal): Send {
    const wire =
      credential === undefined || stamp === undefined ? plainCall(call) : signCall(call, credential, stamp);
    return () => this.#send(wire, credential?.apiKey);
  }

  /** The answer to a read is given up with the app that asked for it; any other call is seen to its end. */
  async #send(wire: WireRequest, apiKey: string | undefined): Promise<Transfer> {
    const { method, path, upstream } = this.#endpoint;
    const { raw } = this.#reply;
    const pool = this.#context.config.pools.get(upstream, this.#context.account);
    if (pool === undefined) throw new Error('a call without its upstream');
    const isRead = method === 'GET' && changesNothing(method, path);
    const relay = new Relay(raw, {
      method,
      holdAll: !isRead,
      writeHead: (status, headers) => writeHead(this.#context, this.#reply, status, headers, 'answered'),
      slowReaderMs: this.#slowReaderMs,
    });
    const giveUp = () => relay.abort();
    if (isRead) raw.once('close', giveUp);
    if (isRead && raw.destroyed) giveUp();
    const headers = upHeaders(this.#request.raw.headers, apiKey, wire.body !== undefined);
    pool.dispatch({ method, path: wire.target, headers, body: wire.body ?? null }, relay);
    const transfer = await relay.ended;
    raw.off('close', giveUp);
    return transfer;
  }
}
