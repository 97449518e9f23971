import type { KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { filesOf, sizeOf, type TrailPaths, trailsOf } from '../../audit/reading/trail-paths.ts';
import { verifyApprovals } from '../../audit/reading/verify-approvals.ts';
import { type TrailVerdict, type VerifyOptions, verifySteps } from '../../audit/reading/verify-trail.ts';
import { loadCatalogue } from '../../config/load-catalogue.ts';
import { ConfigError, type ConfigProblem } from '../../config/problems/config-error.ts';
import { readEnvironment } from '../../config/sources/read-environment.ts';
import { readToken } from '../../config/sources/read-secret.ts';
import { auditKeyFrom } from '../../core/records/chain.ts';
import { type Action, EXIT, UsageError, type Values } from '../base/cli.ts';
import { TRAIL_PATH } from './arguments.ts';
import { print } from './print.ts';
import { startProgress } from './progress.ts';

const OPTIONS = {
  'key-file': { type: 'string', multiple: true },
  'from-seq': { type: 'string' },
  approvals: { type: 'boolean' },
} as const;

/** `audit verify`: finds the first record of each trail that does not fit. */
export const verify: Action<typeof OPTIONS> = { options: OPTIONS, ...TRAIL_PATH, run };

async function run(values: Values<typeof OPTIONS>, paths: readonly string[]): Promise<number> {
  const from = values['from-seq'] ?? '1';
  if (!/^[1-9]\d{0,14}$/.test(from)) throw new UsageError('--from-seq takes the number of a record.');
  const keys = readKeys(values['key-file']);
  let exitCode: number = EXIT.ok;
  for (const trail of trailsOf(paths)) {
    const verdict = await verifyTrail(trail, { keys, firstSeq: Number(from) });
    const { problem, files, records, firstSeq, lastSeq } = verdict;
    const range = firstSeq === undefined ? '' : `, seq ${firstSeq} to ${lastSeq}`;
    if (problem === undefined) {
      const sealed = keys.length === 0 ? 'SHA-256, no key' : 'HMAC-SHA256';
      await print(`${trail.folder}: OK, ${records} records in ${files} files${range} (${sealed})\n`);
    } else {
      exitCode = EXIT.problem;
      await print(`${problem.file}:${problem.line}: ${problem.message}\n`);
      await print(`${trail.folder}: NOT WHOLE, ${records} records before it are right${range}\n`);
    }
    for (const note of verdict.notes) await print(`  note: ${note}\n`);
    if (values.approvals === true && !(await printApprovals(trail))) exitCode = EXIT.problem;
  }
  return exitCode;
}

/** Prints what became of the approvals of a trail; false when something is wrong with one. */
async function printApprovals(trail: TrailPaths): Promise<boolean> {
  const { problems, asked, used, assertions } = verifyApprovals(filesOf(trail), loadCatalogue());
  for (const { seq, message } of problems) await print(`${trail.folder}: record ${seq ?? '?'}: ${message}\n`);
  const verdict = problems.length === 0 ? 'approvals OK' : 'approvals NOT RIGHT';
  await print(`${trail.folder}: ${verdict}, ${asked} asked, ${used} used, ${assertions} passkeys verified\n`);
  return problems.length === 0;
}

async function verifyTrail(trail: TrailPaths, options: VerifyOptions): Promise<TrailVerdict> {
  const progress = await startProgress(`Verifying ${trail.folder}`, sizeOf(filesOf(trail)));
  try {
    const steps = verifySteps(trail, options);
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
      if (progress.isDue(step.value)) await progress.show();
    }
  } finally {
    progress.end();
  }
}

/** The keys of the files named, else the one that the proxy would read here. */
function readKeys(files: readonly string[] | undefined): readonly KeyObject[] {
  if (files !== undefined) return files.map(readKeyFile);
  const problems: ConfigProblem[] = [];
  const cwd = process.cwd();
  const env = readEnvironment(cwd, process.env);
  const key = readToken({ env, cwd, problems, secrets: [], warnings: [] }, 'BINANCE_PROXY_AUDIT_KEY');
  if (key === 'refused') throw new ConfigError(problems);
  return key === 'not-set' ? [] : [auditKeyFrom(key.text)];
}

function readKeyFile(path: string): KeyObject {
  const text = readFileSync(path, 'utf8').replace(/[\r\n]+$/, '');
  if (text === '') throw new UsageError(`The key file ${path} is empty.`);
  return auditKeyFrom(text);
}
