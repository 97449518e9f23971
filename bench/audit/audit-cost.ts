import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Durability } from '../../src/audit/day-file.ts';
import { createFileAuditSink } from '../../src/audit/file-sink.ts';
import { createNoAuditSink } from '../../src/audit/no-sink.ts';
import { trailsOf } from '../../src/audit/reading/trail-paths.ts';
import { verifyTrail } from '../../src/audit/reading/verify-trail.ts';
import type { AuditSink } from '../../src/audit/sink.ts';
import { createAuditTrail } from '../../src/audit/trail.ts';
import { readCall } from '../../src/core/call/call.ts';
import { auditKeyFrom } from '../../src/core/records/chain.ts';
import type { UnsealedRecord } from '../../src/core/records/record.ts';
import { printableParams } from '../../src/core/records/redact.ts';
import { SecretMask } from '../../src/core/records/secret-mask.ts';
import { foreignNote, watchOthers } from '../ladder/others.ts';
import { figure, quantile, table } from '../support/tables.ts';

/**
 * What the two records of a call cost: redaction, JSON, hash, write and anchor, per durability.
 * Usage: node bench/audit/audit-cost.ts [FOLDER]   (a folder on the disk in question; a temporary one otherwise)
 */
const place = process.argv[2] === undefined ? tmpdir() : resolve(process.argv[2]);
const KEY = auditKeyFrom('k'.repeat(64));
const TOGETHER = 16;
const rows: string[][] = [];
const foreign: number[] = [];
const secretMask = new SecretMask(
  Array.from({ length: 12 }, (_, index) => `${index}`.padEnd(64, 'Zk3vT9qLw2')),
);
const BODY = Buffer.from(
  'symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=50000&newClientOrderId=x-U5D79M5B1a2b3c4d5e6f',
);

function fileSink(folder: string, keyed: boolean, durability: Durability): AuditSink {
  return createFileAuditSink({ folder, key: keyed ? KEY : undefined, durability });
}

/** The two records of a call: one call at a time, and so many calls of the same moment, which share a write. */
async function measure(name: string, calls: number, open: (folder: string) => AuditSink): Promise<void> {
  const others = watchOthers([]);
  const alone = await perCall(calls, 1, open);
  const together = await perCall(calls, TOGETHER, open);
  foreign.push(others());
  rows.push([
    name,
    ...[0.5, 0.95, 0.99].map((share) => figure(quantile(alone, share), 1)),
    figure(quantile(together, 0.5), 1),
  ]);
}

/** µs of each call, or of each of those that came together. */
async function perCall(
  calls: number,
  together: number,
  open: (folder: string) => AuditSink,
): Promise<number[]> {
  const folder = mkdtempSync(join(place, 'audit-cost-'));
  const sink = open(folder);
  const trail = createAuditTrail({ sink, log: () => {}, now: Date.now, secretMask: () => secretMask });
  const micros: number[] = [];
  for (let number = 0; number < calls; number += together) {
    const startedMs = performance.now();
    const each = Array.from({ length: together }, (_, index) => recordsOf(number + index));
    if (together === 1 && each[0] !== undefined) {
      trail.write(each[0].signed);
      trail.note(each[0].completed);
    } else {
      await Promise.all(each.map(({ signed }) => trail.commit(signed)));
      await Promise.all(each.map(({ completed }) => trail.noteBatched(completed)));
    }
    micros.push(((performance.now() - startedMs) * 1_000) / together);
  }
  trail.close();
  rmSync(folder, { recursive: true });
  return micros.slice(micros.length / 10);
}

function recordsOf(number: number): { signed: UnsealedRecord; completed: UnsealedRecord } {
  const call = readCall('POST', '/api/v3/order', BODY);
  const requestId = `r-${number}`;
  const about = { requestId, client: 'grid-bot', account: 'main', upstream: 'spot', method: 'POST' };
  const where = { ...about, path: '/api/v3/order', permission: 'spot-margin-trade' };
  const clientOrderId = 'x-U5D79M5B1a2b3c4d5e6f';
  const params = printableParams(call, secretMask);
  const times = { upstreamMs: 12.345, durationMs: 12.9, status: 200, outcome: 'answered' } as const;
  return {
    signed: { event: 'call.signed', ...where, params, weight: 1, waitMs: 0.012, signMs: 0.04, clientOrderId },
    completed: {
      ...{ event: 'call.completed', ...where, weight: 1, weightUsed: 20, ...times },
      ...{ orderId: '28457', clientOrderId },
    },
  };
}

function measureVerify(): string {
  const folder = mkdtempSync(join(place, 'audit-cost-'));
  const sink = fileSink(folder, true, 'process');
  const trail = createAuditTrail({ sink, log: () => {}, now: Date.now });
  const params = { ...printableParams(readCall('POST', '/api/v3/order', BODY)) };
  for (let number = 0; number < 100_000; number++)
    trail.write({ event: 'call.signed', requestId: `r-${number}`, params });
  trail.close();
  const [paths] = trailsOf([folder]);
  if (paths === undefined) throw new Error('no trail');
  const bytes = paths.names.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  const started = performance.now();
  const { problem } = verifyTrail(paths, { keys: [KEY], firstSeq: 1 });
  const seconds = (performance.now() - started) / 1000;
  rmSync(folder, { recursive: true });
  return `Verifying a trail with a key: ${(bytes / 1e6).toFixed(1)} MB in ${seconds.toFixed(2)} s, ${problem?.message ?? 'whole'}.`;
}

await measure('no folder (stdout only, not printed)', 20_000, () => createNoAuditSink());
await measure('file, durability `process`', 20_000, (folder) => fileSink(folder, false, 'process'));
await measure('file, durability `process`, with a key', 20_000, (folder) =>
  fileSink(folder, true, 'process'),
);
await measure('file, durability `disk`, with a key', 640, (folder) => fileSink(folder, true, 'disk'));
console.log(
  table(['both records of a call, µs', 'p50', 'p95', 'p99', `each of ${TOGETHER} of the same moment`], rows),
);
console.log('');
console.log(measureVerify());
console.log('');
console.log(foreignNote(foreign));
