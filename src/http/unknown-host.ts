import { ProxyError } from '../core/errors.ts';
import { printableText } from '../core/records/redact.ts';
import type { SecretMask } from '../core/records/secret-mask.ts';
import type { Door } from './by-name.ts';

const LONGEST_NAME = 80;
const NOT_OF_A_HOST = /[^A-Za-z0-9._:[\]*~-]/g;

/**
 * The refusal of a Host. It names the one that was tried, as harmless ASCII without anything that looks like a key, and
 * the variable that would allow it.
 */
export function unknownHost(
  host: string | undefined,
  { isByName }: Door,
  secretMask: SecretMask,
): ProxyError {
  const tried =
    host === undefined || host === ''
      ? 'No Host was named'
      : `The Host ${shown(host, secretMask)} is not served here`;
  const served = isByName
    ? 'Here only names of Binance are; others, on the plain listener,'
    : 'Names beside the loopback ones';
  const message = `${tried}. ${served} are allowed by BINANCE_PROXY_ALLOWED_HOSTS.`;
  return new ProxyError('PROXY_UNKNOWN_HOST', message, { rule: 'host' });
}

export function twoHosts(): ProxyError {
  return new ProxyError('PROXY_UNKNOWN_HOST', 'More than one Host was named.', { rule: 'host' });
}

function shown(host: string, secretMask: SecretMask): string {
  const safe = printableText(host, secretMask).replace(NOT_OF_A_HOST, '?');
  return safe.length <= LONGEST_NAME ? safe : `${safe.slice(0, LONGEST_NAME)}...`;
}
