import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runToEnd } from '../support/processes/child.ts';

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));
const SCRIPT = join(REPOSITORY, 'test/image/ci.sh');
/** What every machine has. */
const USUAL =
  'awk bash cat cut dirname env find grep head mkdir mktemp mountpoint readlink rm rmdir sed seq sleep sort tail umount uname xargs';
const ENGINE = 'dockerd docker containerd runc mmdebstrap iptables ip nsenter unshare openssl';

/** The text of the programs that a machine has beside the usual ones, by name. */
type Programs = Readonly<Record<string, string>>;

const FAILS = 'exit 1';
const AS_ROOT: Programs = { id: 'echo 0' };
const engineThat = (does: string): Programs =>
  Object.fromEntries(ENGINE.split(' ').map((name) => [name, does]));

interface Left {
  readonly code: number | null;
  readonly stdout: string;
  readonly files: readonly string[];
  readonly processes: readonly string[];
}

/** Runs the image test on a machine that has these programs and no others. */
async function runWith(programs: Programs): Promise<Left> {
  const folder = mkdtempSync(join(tmpdir(), 'no-engine-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const each of ['bin', 'tmp']) mkdirSync(join(folder, each));
  for (const name of USUAL.split(' ')) {
    const path = execFileSync('/bin/sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim();
    symlinkSync(path, join(folder, 'bin', name));
  }
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(folder, 'bin', name), `#!/bin/bash\n${text}\n`);
    chmodSync(join(folder, 'bin', name), 0o755);
  }
  const mark = randomUUID();
  const env = { PATH: join(folder, 'bin'), TMPDIR: join(folder, 'tmp'), MARK: mark };
  const { code, stdout } = await runToEnd([SCRIPT], {
    cwd: REPOSITORY,
    env,
    command: join(folder, 'bin/bash'),
  });
  return { code, stdout, files: readdirSync(join(folder, 'tmp')), processes: processesWith(mark) };
}

/** Command lines of the processes whose environment has the text. */
function processesWith(mark: string): readonly string[] {
  const read = (pid: string, name: string) => {
    try {
      return readFileSync(`/proc/${pid}/${name}`, 'utf8');
    } catch {
      return '';
    }
  };
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && read(pid, 'environ').includes(mark))
    .map((pid) => read(pid, 'cmdline').replaceAll('\0', ' ').trim());
}

describe.skipIf(process.platform !== 'linux')('the image test without an engine', () => {
  it.each<[why: string, programs: Programs, sentence: string]>([
    ['nobody may start a daemon', { id: 'echo 1000' }, 'a daemon needs root, and sudo asks for a password'],
    ['there is no package manager', AS_ROOT, 'this is not Debian'],
    [
      'no engine can be installed',
      { ...AS_ROOT, 'apt-get': FAILS },
      'docker.io and mmdebstrap cannot be installed',
    ],
    ['the daemon ends', { ...AS_ROOT, 'apt-get': FAILS, ...engineThat(FAILS) }, 'no daemon starts here'],
    [
      'the daemon runs, and nothing can be fetched',
      { ...AS_ROOT, 'apt-get': FAILS, ...engineThat('exit 0'), dockerd: 'exec sleep 60', mmdebstrap: FAILS },
      'the base images cannot be made',
    ],
  ])(
    'The image test says in one sentence that it was left out, and ends with 0: %s',
    async (_why, programs, sentence) => {
      const { code, stdout, files, processes } = await runWith(programs);
      const told = stdout.split('\n').filter((line) => line.includes('LEFT OUT'));
      expect([code, told]).toEqual([0, [`image test: LEFT OUT, the image was not tried: ${sentence}`]]);
      expect([files, processes]).toEqual([[], []]);
    },
  );

  it('The image test knows its parts, and does nothing for another word', async () => {
    const { code, stderr } = await runToEnd([SCRIPT, 'shrot'], { cwd: REPOSITORY, command: 'bash' });
    expect([code, stderr]).toEqual([
      64,
      'there is no part shrot: say short, builders, figures, or nothing\n',
    ]);
  });
});
