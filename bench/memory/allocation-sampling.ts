import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';

/**
 * Loaded by `--import` before the program: samples allocations, also of what is collected at once, and writes the
 * profile to BENCH_ALLOCATIONS when the process ends.
 */
const path = process.env.BENCH_ALLOCATIONS;
const session = new Session();
session.connect();
session.post('HeapProfiler.startSampling', {
  samplingInterval: 8_192,
  includeObjectsCollectedByMajorGC: true,
  includeObjectsCollectedByMinorGC: true,
});
process.on('exit', () => {
  session.post('HeapProfiler.stopSampling', (error, result) => {
    if (error === null && path !== undefined) writeFileSync(path, JSON.stringify(result.profile));
  });
});
