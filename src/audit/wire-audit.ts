import type { SecretMask } from '../core/records/secret-mask.ts';
import { createFileAuditSink, type FileAuditSinkOptions } from './file-sink.ts';
import { createNoAuditSink } from './no-sink.ts';
import type { Log } from './record-printer.ts';
import { type AuditTrail, createAuditTrail } from './trail.ts';

export interface AuditSettings extends Omit<FileAuditSinkOptions, 'folder'> {
  /** Undefined keeps the records on the log alone. */
  readonly dir: string | undefined;
}

export interface AuditDeps {
  readonly log: Log;
  readonly secretMask: () => SecretMask;
  readonly wallNow: () => number;
}

/** The trail that the configuration asks for: on the log alone, or in a folder as well. */
export function wireAudit(settings: AuditSettings, { log, secretMask, wallNow }: AuditDeps): AuditTrail {
  const { dir, key, durability, reserveBytes } = settings;
  const sink =
    dir === undefined
      ? createNoAuditSink()
      : createFileAuditSink({ folder: dir, key, durability, reserveBytes: reserveBytes ?? 0 });
  return createAuditTrail({ sink, log, now: wallNow, secretMask });
}
