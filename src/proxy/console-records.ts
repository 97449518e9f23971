import { format } from 'node:util';
import type { AuditTrail } from '../audit/trail.ts';

/** More different texts than this are a library that does not stop talking. */
const MOST_TEXTS = 100;
const WAYS = ['debug', 'error', 'info', 'log', 'trace', 'warn'] as const;

/**
 * What libraries print on the console becomes records, each text once: the log is JSON, and knows what is a secret.
 * @param target the console of a process that is nothing but this proxy
 */
export function recordConsole(trail: Pick<AuditTrail, 'note'>, target: Console): void {
  const told = new Set<string>();
  for (const way of WAYS) {
    target[way] = (...parts: unknown[]) => {
      const msg = format(...parts).slice(0, 500);
      if (told.has(msg) || told.size >= MOST_TEXTS) return;
      told.add(msg);
      trail.note({ event: 'library.printed', msg });
    };
  }
}
