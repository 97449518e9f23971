import { malformedRequest } from '../errors.ts';
import { allPairs, type Call } from './call.ts';
import { decodedValue } from './form.ts';

/** Letters, digits, what is not ASCII, and the few signs that values of Binance's public parameters have. */
const PLAIN = /^[A-Za-z0-9\u0080-\u{10ffff}\-_.~:/@!,*+]*$/u;

/**
 * Refuses what no public parameter of Binance holds. A firewall in front of Binance judges content: with a few signs any
 * program on the machine could have the address of all programs shut out.
 * @throws ProxyError PROXY_MALFORMED_REQUEST
 */
export function assertPlainParameters(call: Call): void {
  for (const pair of allPairs(call)) {
    const value = decodedValue(pair);
    // In a raw query a plus sign stands for a space, which is none of them.
    if (value !== undefined && (PLAIN.test(value) || isListOfPlainTexts(value))) continue;
    throw malformedRequest('a parameter holds what no public parameter of Binance holds');
  }
}

function isListOfPlainTexts(value: string): boolean {
  if (!value.startsWith('[')) return false;
  try {
    const list: unknown = JSON.parse(value);
    return Array.isArray(list) && list.every((text) => typeof text === 'string' && PLAIN.test(text));
  } catch {
    return false;
  }
}
