import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { trailsOf } from '../../src/audit/reading/trail-paths.ts';
import { verifyTrail } from '../../src/audit/reading/verify-trail.ts';

/**
 * Kills a process that records and sends under load, again and again, and looks for a call that was sent without a record.
 * Usage: node bench/audit/audit-kill.ts [ROUNDS]   (100)
 */
const rounds = Number(process.argv[2] ?? 100);
const writer = fileURLToPath(new URL('../../test/support/processes/audit-writer.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'audit-kill-'));
const sent: string[] = [];

for (let round = 0; round < rounds; round++) {
  const child = spawn(process.execPath, [writer, folder, `k${round}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const output = text(child.stdout);
  await once(child.stdout, 'readable');
  await sleep(Math.random() * 60);
  child.kill('SIGKILL');
  sent.push(...(await output).split('\n').filter((line) => line !== ''));
}

const recorded = new Set<string>();
for (const name of readdirSync(folder).filter((each) => each.endsWith('.ndjson'))) {
  for (const line of readFileSync(join(folder, name), 'utf8').split('\n')) {
    const id = /"event":"call\.signed","seq":\d+,"requestId":"([^"]+)"/.exec(line)?.[1];
    if (id !== undefined) recorded.add(id);
  }
}
const missing = sent.filter((id) => !recorded.has(id));
const verdicts = trailsOf([folder]).map((trail) => verifyTrail(trail, { keys: [], firstSeq: 1 }));
const problem = verdicts[0]?.problem;
console.log(
  `${rounds} kills, ${sent.length} calls sent, ${recorded.size} recorded, ${missing.length} sent without a record`,
);
console.log(
  problem === undefined ? 'the chain is whole' : `${problem.file}:${problem.line}: ${problem.message}`,
);
for (const note of verdicts[0]?.notes ?? []) console.log(note);
rmSync(folder, { recursive: true });
process.exitCode = missing.length === 0 && problem === undefined ? 0 : 1;
