import { writeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { createFileAuditSink } from '../../../src/audit/file-sink.ts';
import { createAuditTrail } from '../../../src/audit/trail.ts';

/**
 * A process that records and then "sends" one call after the other until it is killed: each line on stdout stands for
 * bytes that have left. Its arguments: folder, prefix of the request ids, how many calls at the most.
 */
const [folder = '', prefix = '', most = 'Infinity'] = process.argv.slice(2);
const DAY_MS = 86_400_000;

let nowMs = Date.now();
const sink = createFileAuditSink({ folder, key: undefined, durability: 'process' });
const trail = createAuditTrail({ sink, log: () => {}, now: () => nowMs });
trail.note({ event: 'proxy.started' });
for (let number = 0; number < Number(most); number++) {
  const requestId = `${prefix}-${number}`;
  try {
    trail.write({ event: 'call.signed', requestId, params: { note: 'n'.repeat(number % 300) } });
  } catch {
    writeSync(1, `refused ${requestId} ${trail.state.lastError}\n`);
    nowMs += DAY_MS;
    continue;
  }
  writeSync(1, `${requestId}\n`);
  trail.note({ event: 'call.completed', requestId, outcome: 'answered' });
  if (number % 50 === 0) await setImmediate();
}
trail.close();
