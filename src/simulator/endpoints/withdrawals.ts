import { randomBytes } from 'node:crypto';
import type { Account } from '../accounts/accounts.ts';
import { ExchangeError } from '../base/exchange-error.ts';
import type { JsonValue } from '../base/json-value.ts';
import { amount, Money } from '../base/money.ts';
import { DECIMAL } from '../http/parameters.ts';
import { type Route, signedRoute, type Visit } from '../http/route.ts';

export const AMOUNT_RULE = { mandatory: true, legal: DECIMAL } as const;

/**
 * Withdrawals. Each is carried out and kept, whatever the restrictions of the key, so that a refusal of the exchange
 * cannot hide that a proxy let one pass.
 */
export function withdrawalRoutes(): Route[] {
  return [
    signedRoute(
      'POST /sapi/v1/capital/withdraw/apply',
      {
        weight: 900,
        countedBy: 'UID',
        rules: {
          coin: { mandatory: true },
          withdrawOrderId: {},
          network: {},
          address: { mandatory: true },
          addressTag: {},
          amount: AMOUNT_RULE,
          transactionFeeFlag: { legal: /^(true|false)$/ },
          name: {},
          walletType: { legal: /^[01]$/ },
        },
      },
      withdraw,
    ),
  ];
}

function withdraw({ exchange, parameters, nowMs }: Visit, account: Account): JsonValue {
  const coin = parameters.need('coin');
  const quantity = new Money(parameters.need('amount'));
  if (exchange.ledger.balance(account.owner, coin).free.lt(quantity))
    throw new ExchangeError(-4026, 'User has insufficient balance');
  exchange.ledger.withdraw(account.owner, coin, quantity);
  const id = randomBytes(16).toString('hex');
  exchange.withdrawals.push({
    id,
    apiKey: account.apiKey,
    coin,
    amount: amount(quantity),
    address: parameters.need('address'),
    applyTime: nowMs,
  });
  return { id };
}
