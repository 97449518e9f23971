import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createAuditTrail } from '../src/audit/audit-trail.ts';
import type { Durability } from '../src/audit/day-file.ts';
import { createFileAuditSink } from '../src/audit/file-audit-sink.ts';
import { createNoAuditSink } from '../src/audit/no-audit-sink.ts';
import { trailsOf } from '../src/audit/trail-paths.ts';
import { verifyTrail } from '../src/audit/verify-trail.ts';
import { auditKeyFrom } from '../src/core/audit-chain.ts';
import { readCall } from '../src/core/call.ts';
import { printableParams } from '../src/core/redact.ts';
import { SecretFence } from '../src/core/secret-fence.ts';
import type { AuditSink } from '../src/ports/audit-sink.ts';

/**
 * What the two records of a call cost: redaction, JSON, hash, write and anchor, per durability.
 * Usage: node bench/audit-cost.ts [FOLDER]   (a folder on the disk in question; a temporary one otherwise)
 */
const place = process.argv[2] === undefined ? tmpdir() : resolve(process.argv[2]);
const KEY = auditKeyFrom('k'.repeat(64));
const fence = new SecretFence(Array.from({ length: 12 }, (_, index) => `${index}`.padEnd(64, 'Zk3vT9qLw2')));
const BODY = Buffer.from(
  'symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=50000&newClientOrderId=x-U5D79M5B1a2b3c4d5e6f',
);

function fileSink(folder: string, keyed: boolean, durability: Durability): AuditSink {
  return createFileAuditSink({ folder, key: keyed ? KEY : undefined, durability });
}

function measure(name: string, calls: number, open: (folder: string) => AuditSink): void {
  const folder = mkdtempSync(join(place, 'audit-cost-'));
  const sink = open(folder);
  const trail = createAuditTrail({ sink, log: () => {}, now: Date.now, fence: () => fence });
  const micros: number[] = [];
  for (let number = 0; number < calls; number++) {
    const call = readCall('POST', '/api/v3/order', BODY);
    const requestId = `r-${number}`;
    const about = { requestId, client: 'grid-bot', account: 'main', upstream: 'spot', method: 'POST' };
    const where = { ...about, path: '/api/v3/order', permission: 'spot-margin-trade' };
    const clientOrderId = 'x-U5D79M5B1a2b3c4d5e6f';
    const started = performance.now();
    const params = printableParams(call, fence);
    trail.write({
      event: 'call.signed',
      ...where,
      params,
      weight: 1,
      waitMs: 0.012,
      signMs: 0.04,
      clientOrderId,
    });
    trail.writeLenient({
      event: 'call.completed',
      ...where,
      weight: 1,
      weightUsed: 20,
      upstreamMs: 12.345,
      durationMs: 12.9,
      status: 200,
      outcome: 'answered',
      orderId: '28457',
      clientOrderId,
    });
    micros.push((performance.now() - started) * 1000);
  }
  trail.close();
  const sorted = micros.slice(calls / 10).sort((a, b) => a - b);
  const at = (share: number): string =>
    (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(1).padStart(8);
  console.log(`${name.padEnd(38)} p50 ${at(0.5)} µs   p95 ${at(0.95)} µs   p99 ${at(0.99)} µs`);
  rmSync(folder, { recursive: true });
}

function measureVerify(): void {
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
  console.log(
    `verify, keyed: ${(bytes / 1e6).toFixed(1)} MB in ${seconds.toFixed(2)} s, ${problem?.message ?? 'whole'}`,
  );
  rmSync(folder, { recursive: true });
}

console.log('The two records of a call:');
measure('no folder (stdout only, not printed)', 20_000, () => createNoAuditSink());
measure('file, durability process', 20_000, (folder) => fileSink(folder, false, 'process'));
measure('file, durability process, with a key', 20_000, (folder) => fileSink(folder, true, 'process'));
measure('file, durability disk, with a key', 500, (folder) => fileSink(folder, true, 'disk'));
measureVerify();
