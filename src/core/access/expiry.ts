import type { Client } from './client.ts';

/** Whether the issued key of a client has ended. */
export function isExpired({ expiresMs }: Pick<Client, 'expiresMs'>, serverNowMs: number): boolean {
  return expiresMs !== undefined && serverNowMs >= expiresMs;
}
