import { ProxyError } from '../errors.ts';
import { ORDER_FIELDS } from './order-fields.ts';
import { isSecretName, printableText } from './redact.ts';
import type { SecretMask } from './secret-mask.ts';
import type { SentOrder } from './sent-orders.ts';

/** All orders of one call together, as JSON. A batch of ten with every field at its longest has a tenth of it. */
const LONGEST_ORDERS = 65_536;
/** Quotes, colon and comma of a member. */
const SIGNS = 6;

/**
 * Makes sure that the record of a call can name its orders to the last letter. What would be masked or cut there must not
 * leave: no output shows a secret, and no order goes without its record.
 * @throws ProxyError PROXY_ORDER_REFUSED
 */
export function assertWhole(orders: readonly SentOrder[], secretMask: SecretMask): void {
  let length = 0;
  for (const order of orders) {
    length += SIGNS;
    for (const [name, value] of Object.entries(order)) {
      length += name.length + value.length + SIGNS;
      if (length > LONGEST_ORDERS) throw unrecordable('its orders are too long');
      if (!ORDER_FIELDS.has(name) && !mayBeShown(name, secretMask))
        throw unrecordable('a name that it holds must not be shown');
      if (printableText(value, secretMask) !== value)
        throw unrecordable('a value is too long, holds a secret or looks like one');
    }
  }
  if (length > LONGEST_ORDERS) throw unrecordable('its orders are too long');
}

function mayBeShown(name: string, secretMask: SecretMask): boolean {
  return !isSecretName(name) && printableText(name, secretMask) === name;
}

function unrecordable(why: string): ProxyError {
  return new ProxyError('PROXY_ORDER_REFUSED', `Order refused: its record would not be whole: ${why}.`, {
    rule: 'unrecordable',
  });
}
