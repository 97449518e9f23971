import type { IncomingHttpHeaders } from 'node:http';
import type { Call } from '../core/call/call.ts';
import { upHeaders } from '../core/call/headers.ts';
import type { Endpoint } from '../core/catalogue/endpoint.ts';
import { ProxyError } from '../core/errors.ts';
import { changesNothing } from '../core/outcome/outcome-tables.ts';
import { plainCall, signCall, type WireRequest } from '../core/signing/sign-call.ts';
import type { CallContext } from '../pipeline/call-context.ts';
import type { Carrier, Seal, Send, Transfer } from '../pipeline/carrier.ts';
import { Relay } from './relay.ts';
import type { AnswerTaker } from './taking/answer-taker.ts';

/** Carries one HTTP request of an app to Binance and the answer back. */
export class HttpCarrier implements Carrier {
  readonly recordsAtOnce = false;
  readonly #context: CallContext;
  readonly #endpoint: Endpoint;
  readonly #headers: IncomingHttpHeaders;
  readonly #taker: AnswerTaker;

  constructor(context: CallContext, endpoint: Endpoint, headers: IncomingHttpHeaders, taker: AnswerTaker) {
    this.#context = context;
    this.#endpoint = endpoint;
    this.#headers = headers;
    this.#taker = taker;
  }

  /** @throws ProxyError PROXY_STALE_REQUEST */
  assertOpen(): void {
    if (!this.#taker.isGone) return;
    throw new ProxyError('PROXY_STALE_REQUEST', 'The client hung up before its call was sent.', {
      rule: 'client hung up',
    });
  }

  isWanted(): boolean {
    return !this.#taker.isGone;
  }

  sign(call: Call, { credential, stamp }: Seal): Send {
    const wire =
      credential === undefined || stamp === undefined ? plainCall(call) : signCall(call, credential, stamp);
    return (mayLeave) => this.#send(wire, credential?.apiKey, mayLeave);
  }

  /** The answer to a read is given up with the last app that asked for it; any other call is seen to its end. */
  async #send(wire: WireRequest, apiKey: string | undefined, mayLeave: () => void): Promise<Transfer> {
    const { method, path, upstream } = this.#endpoint;
    const pool = this.#context.config.pools.get(upstream, this.#context.account);
    if (pool === undefined) throw new Error('a call without its upstream');
    const isRead = method === 'GET' && changesNothing(method, path);
    const relay = new Relay(this.#taker, { method, holdAll: !isRead, mayLeave });
    const seeToItsEnd = isRead ? this.#taker.start(() => relay.abort()) : undefined;
    const headers = upHeaders(this.#headers, apiKey, wire.body !== undefined);
    pool.dispatch({ method, path: wire.target, headers, body: wire.body ?? null }, relay);
    const transfer = await relay.ended;
    seeToItsEnd?.();
    return transfer;
  }
}
