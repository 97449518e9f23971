import type { Client } from '../core/access/client.ts';
import type { Retired } from '../core/catalogue/retired.ts';
import { ProxyError } from '../core/errors.ts';

/** The refusals that more than one door or step utters: one sentence, one rule each. */

export function stopping(): ProxyError {
  return new ProxyError('PROXY_NOT_READY', 'The signing proxy is shutting down.', { rule: 'stopping' });
}

/** @param what a retired one is worth a sentence: its reader would look for the fault here */
export function unknownEndpoint(what: 'endpoint' | 'method', retired?: Retired): ProxyError {
  const message =
    retired === undefined
      ? `Unknown ${what}: it does not stand in the catalogue of this proxy.`
      : `Unknown ${what}: retired by Binance on ${retired.date}, use ${retired.instead}.`;
  const rule = retired === undefined ? 'catalogue' : 'retired';
  return new ProxyError('PROXY_UNKNOWN_ENDPOINT', message, { rule });
}

/** The refusal of whoever shows no key that was issued. */
export function unknownClient(): ProxyError {
  return new ProxyError(
    'PROXY_UNKNOWN_CLIENT',
    'API-key format invalid: this is no key that the signing proxy issued.',
    { rule: 'client key' },
  );
}

/** The refusal of a key that was issued and has ended; only cancels pass with it. */
export function expiredClient({ name }: Pick<Client, 'name'>): ProxyError {
  return new ProxyError('PROXY_UNKNOWN_CLIENT', `The key of client ${name} has ended: only cancels pass.`, {
    rule: EXPIRED,
  });
}

const EXPIRED = 'expires';

/** True for what may be a guess: a key that was never issued. */
export function isGuess({ name, rule }: ProxyError): boolean {
  return name === 'PROXY_UNKNOWN_CLIENT' && rule !== EXPIRED;
}

export function noServerTime(): ProxyError {
  return new ProxyError('PROXY_NOT_READY', 'The server time is not known yet.', { rule: 'clock' });
}

export function badSignature(message: string, rule: string): ProxyError {
  return new ProxyError('PROXY_BAD_SIGNATURE', message, { rule });
}

/** What went wrong, as one of our own errors: a stranger's error says nothing to the caller but that it is a bug. */
export function toProxyError(error: unknown): ProxyError {
  if (error instanceof ProxyError) return error;
  const { statusCode, code } = (error ?? {}) as { readonly statusCode?: number; readonly code?: string };
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new ProxyError('PROXY_MALFORMED_REQUEST', 'Malformed request.', { rule: code ?? 'http' });
  }
  return new ProxyError('PROXY_INTERNAL', 'Internal error of the signing proxy.', { cause: error });
}
