import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type AuditTrail, createAuditTrail } from '../../src/audit/audit-trail.ts';
import { createFileAuditSink, type FileAuditSinkOptions } from '../../src/audit/file-audit-sink.ts';
import type { UnsealedRecord } from '../../src/core/audit-record.ts';

export const NOON_MS = Date.UTC(2026, 1, 3, 12);
export const DAY_MS = 86_400_000;

/** A folder that is removed with the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'audit-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface OpenTrail {
  readonly trail: AuditTrail;
  readonly lines: string[];
  /** The clock: set it to move time. */
  readonly clock: { nowMs: number };
}

/** A trail on real files, closed with the test. */
export function openTrail(
  folder: string,
  options: Partial<FileAuditSinkOptions> & { nowMs?: number } = {},
): OpenTrail {
  const { nowMs = NOON_MS, ...sinkOptions } = options;
  const clock = { nowMs };
  const lines: string[] = [];
  const sink = createFileAuditSink({ folder, key: undefined, durability: 'process', ...sinkOptions });
  const trail = createAuditTrail({
    sink,
    log: (printed) => lines.push(...printed.map(({ text }) => text)),
    now: () => clock.nowMs,
  });
  onTestFinished(() => trail.close());
  return { trail, lines, clock };
}

export function signed(number: number): UnsealedRecord {
  return {
    event: 'call.signed',
    requestId: `r-${number}`,
    client: 'grid-bot',
    account: 'main',
    upstream: 'spot',
    method: 'POST',
    path: '/api/v3/order',
    permission: 'spot-margin-trade',
    params: { symbol: 'BTCUSDT', side: 'BUY', type: 'LIMIT', quantity: '0.01', price: '50000' },
    weight: 1,
    clientOrderId: `c-${number}`,
  };
}

export function completed(number: number): UnsealedRecord {
  return {
    event: 'call.completed',
    requestId: `r-${number}`,
    client: 'grid-bot',
    weight: 1,
    upstreamMs: number,
    durationMs: number + 1,
    status: 200,
    outcome: 'answered',
    orderId: String(9_000_000_000 + number),
    clientOrderId: `c-${number}`,
  };
}

/** The records of all day files of a folder, in order. */
export function recordsIn(folder: string): Record<string, unknown>[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.ndjson'))
    .sort()
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n'))
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}
