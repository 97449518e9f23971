import type { Dispatcher } from 'undici';
import type { Call } from '../../core/call/call.ts';
import type { Method } from '../../core/catalogue/endpoint.ts';
import { plainCall, signCall, type WireRequest } from '../../core/signing/sign-call.ts';
import { fetchText, type TextAnswer } from '../../upstream/connections/fetch-text.ts';
import type { Carrier, Seal, Send, Transfer } from '../carrier.ts';

export interface OwnAnswer extends TextAnswer {
  /** The bytes that were signed, without the signature; undefined when none were. */
  readonly signedText?: string;
}

/** Carries one call of the proxy's own and keeps its answer as text. */
export class TextCarrier implements Carrier {
  readonly recordsAtOnce = true;
  readonly #connection: Dispatcher;
  readonly #method: Method;
  #answer: OwnAnswer | undefined;
  #error: Error | undefined;

  constructor(connection: Dispatcher, method: Method) {
    this.#connection = connection;
    this.#method = method;
  }

  get error(): Error | undefined {
    return this.#error;
  }

  answer(): OwnAnswer {
    if (this.#answer === undefined) throw new Error('an own call without its answer');
    return this.#answer;
  }

  assertOpen(): void {}

  isWanted(): boolean {
    return false;
  }

  sign(call: Call, { credential, stamp }: Seal): Send {
    const isSigned = credential !== undefined && stamp !== undefined;
    const wire = isSigned ? signCall(call, credential, stamp) : plainCall(call);
    const headers = credential === undefined ? [] : ['x-mbx-apikey', credential.apiKey];
    return () => this.#send(wire, headers, isSigned ? signedTextOf(wire) : undefined);
  }

  async #send(
    wire: WireRequest,
    headers: readonly string[],
    signedText: string | undefined,
  ): Promise<Transfer> {
    const fetched = await fetchText(this.#connection, wire.target, headers, this.#method);
    const { phase, answer, error } = fetched;
    this.#error = error;
    if (answer !== undefined)
      this.#answer = { ...answer, ...(signedText === undefined ? {} : { signedText }) };
    // A good answer may be megabytes and is read by whoever asked.
    const text = answer !== undefined && answer.status >= 400 ? answer.text : undefined;
    return {
      phase,
      status: answer?.status,
      headers: answer?.headers ?? {},
      held: undefined,
      streaming: false,
      error,
      reading: { text, wellFormed: true },
    };
  }
}

function signedTextOf({ target }: WireRequest): string {
  return target.replace(/^[^?]*\?/, '').replace(/&signature=.*$/, '');
}
