import type { Settings } from '../../config/schema/settings.ts';
import type { Client } from '../../core/access/client.ts';
import type { Endpoint } from '../../core/catalogue/endpoint.ts';

/** Whether another client of the account was granted what this call needs, so that they share its order counts. */
export function othersPlace({ clients }: Settings, { name, account }: Client, endpoint: Endpoint): boolean {
  if (endpoint.effect !== 'place' && endpoint.effect !== 'amend') return false;
  for (const other of clients.values()) {
    if (other.name !== name && other.account === account && other.permissions.has(endpoint.permission))
      return true;
  }
  return false;
}
