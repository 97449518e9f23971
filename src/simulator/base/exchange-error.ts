import type { JsonValue } from './json-value.ts';

interface Extras {
  readonly status?: number;
  readonly data?: JsonValue;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A refusal as the exchange answers it: `{"code":…,"msg":…}`. */
export class ExchangeError extends Error {
  readonly code: number;
  readonly status: number;
  readonly data: JsonValue | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: number, message: string, extras: Extras = {}) {
    super(message);
    this.name = 'ExchangeError';
    this.code = code;
    this.status = extras.status ?? 400;
    this.data = extras.data;
    this.headers = extras.headers ?? {};
  }

  toBody(): JsonValue {
    const body = { code: this.code, msg: this.message };
    return this.data === undefined ? body : { ...body, data: this.data };
  }
}

export function illegalCharacters(name: string, range: string): ExchangeError {
  return new ExchangeError(
    -1100,
    `Illegal characters found in parameter '${name}'; legal range is '${range}'.`,
  );
}

export function tooManyParameters(expected: number, received: number): ExchangeError {
  return new ExchangeError(-1101, `Too many parameters; expected '${expected}' and received '${received}'.`);
}

export function duplicateValues(): ExchangeError {
  return new ExchangeError(-1101, 'Duplicate values for a parameter detected.');
}

/** Parameters that the endpoint does not know: -1101 where it takes none at all, else -1104. */
export function unreadParameters(read: number, sent: number): ExchangeError {
  if (read === 0) return tooManyParameters(0, sent);
  return new ExchangeError(
    -1104,
    `Not all sent parameters were read; read '${read}' parameter(s) but was sent '${sent}'.`,
  );
}

export function mandatoryParameter(name: string): ExchangeError {
  return new ExchangeError(
    -1102,
    `Mandatory parameter '${name}' was not sent, was empty/null, or malformed.`,
  );
}

export function notRequired(name: string): ExchangeError {
  return new ExchangeError(-1106, `Parameter '${name}' sent when not required.`);
}

export function invalidSymbol(): ExchangeError {
  return new ExchangeError(-1121, 'Invalid symbol.');
}

export function filterFailure(filter: string): ExchangeError {
  return new ExchangeError(-1013, `Filter failure: ${filter}`);
}

/** The matching engine rejected the order. */
export function orderRejected(reason: string): ExchangeError {
  return new ExchangeError(-2010, reason);
}

export function unknownOrder(): ExchangeError {
  return new ExchangeError(-2011, 'Unknown order sent.');
}

export function noSuchOrder(): ExchangeError {
  return new ExchangeError(-2013, 'Order does not exist.');
}

export function badKeyFormat(): ExchangeError {
  return new ExchangeError(-2014, 'API-key format invalid.', { status: 401 });
}

/** An unknown key, or one without the restriction switch that the endpoint needs. */
export function keyRejected(): ExchangeError {
  return new ExchangeError(-2015, 'Invalid API-key, IP, or permissions for action.', { status: 401 });
}

export function invalidSignature(): ExchangeError {
  return new ExchangeError(-1022, 'Signature for this request is not valid.');
}

export function outsideRecvWindow(): ExchangeError {
  return new ExchangeError(-1021, 'Timestamp for this request is outside of the recvWindow.');
}

export function aheadOfServer(): ExchangeError {
  return new ExchangeError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.");
}

/** Retry-After on REST counts whole seconds. */
export function retryAfter(untilMs: number, nowMs: number): Record<string, string> {
  return { 'Retry-After': String(Math.max(1, Math.ceil((untilMs - nowMs) / 1_000))) };
}
