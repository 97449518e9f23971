import type { BudgetState } from '../../budgets/budgets.ts';
import type { Settings } from '../../config/schema/settings.ts';
import type { Client, OrderRules } from '../../core/access/client.ts';
import type { DayUse } from '../../core/orders/rolling-day.ts';
import type { CallTallies } from './call-tally.ts';

/** A client as operators see it: what it may, what it used of that, and when it was here. */
export interface ShownClient {
  readonly name: string;
  readonly account: string;
  readonly permissions: readonly string[];
  /** Undefined: all. */
  readonly symbols: readonly string[] | undefined;
  readonly order: Readonly<Record<string, unknown>> | undefined;
  readonly requestsPerSecond: number | undefined;
  readonly policyMode: Client['policyMode'];
  readonly requireSignature: boolean;
  readonly today: { readonly orders: number; readonly notional: Readonly<Record<string, string>> };
  readonly weight: { readonly perMinute: number | undefined; readonly used: number };
  readonly lastSeenMs: number | undefined;
}

export interface ClientFacts {
  readonly budgets: BudgetState;
  readonly calls: CallTallies;
  readonly dayUse: (client: string) => DayUse;
}

export function showClients({ clients }: Settings, facts: ClientFacts): readonly ShownClient[] {
  return [...clients.values()].map((client) => showClient(client, facts));
}

function showClient(client: Client, { budgets, calls, dayUse }: ClientFacts): ShownClient {
  const { name, account, order, symbols, weightPerMinute, policyMode, requireSignature } = client;
  const { orders, amounts } = dayUse(name);
  const used = budgets.buckets
    .filter(({ kind, key }) => kind === 'share' && key.startsWith(`client:${name}:`))
    .reduce((most, bucket) => Math.max(most, bucket.used), 0);
  return {
    ...{ name, account, policyMode, requireSignature },
    permissions: [...client.permissions],
    symbols: symbols === undefined ? undefined : [...symbols],
    order: order === undefined ? undefined : plain(order),
    requestsPerSecond: client.requestsPerSecond,
    today: {
      orders,
      notional: Object.fromEntries([...amounts].map(([asset, amount]) => [asset, amount.toFixed()])),
    },
    weight: { perMinute: weightPerMinute, used },
    lastSeenMs: calls.clients.find((each) => each.client === name)?.lastSeenMs,
  };
}

/** Rules as JSON: sets become lists, and maps become objects. */
function plain(order: OrderRules): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(order).map(([rule, value]) => {
      if (value instanceof Set) return [rule, [...value]];
      return [rule, value instanceof Map ? Object.fromEntries(value) : value];
    }),
  );
}
