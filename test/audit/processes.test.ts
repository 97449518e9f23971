import { type ChildProcessByStdio, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createFileAuditSink } from '../../src/audit/file-sink.ts';
import { trailsOf } from '../../src/audit/reading/trail-paths.ts';
import { verifyTrail } from '../../src/audit/reading/verify-trail.ts';
import {
  DAY_MS,
  NOON_MS,
  openTrail,
  recordsIn,
  signed,
  temporaryFolder,
} from '../support/fixtures/sample-trail.ts';

const WRITER = fileURLToPath(new URL('../support/processes/audit-writer.ts', import.meta.url));

function startWriter(folder: string, prefix: string): ChildProcessByStdio<null, Readable, null> {
  const child = spawn(process.execPath, [WRITER, folder, prefix], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

function verify(folder: string) {
  return trailsOf([folder]).map((trail) => verifyTrail(trail, { keys: [], firstSeq: 1 }))[0]!;
}

function signedIds(folder: string): Set<unknown> {
  return new Set(
    recordsIn(folder).flatMap(({ event, requestId }) => (event === 'call.signed' ? [requestId] : [])),
  );
}

describe('a killed process', () => {
  it('A killed process leaves a record of every call that it sent, and a chain that goes on, five times over', async () => {
    const folder = temporaryFolder();
    const sent: string[] = [];
    for (let round = 0; round < 5; round++) {
      const child = startWriter(folder, `k${round}`);
      const output = text(child.stdout);
      await once(child.stdout, 'readable');
      await sleep(round * 10);
      child.kill('SIGKILL');
      sent.push(...(await output).split('\n').filter((line) => line !== ''));
    }
    const recorded = signedIds(folder);
    expect(new Set(sent.map((id) => id.split('-')[0]))).toEqual(new Set(['k0', 'k1', 'k2', 'k3', 'k4']));
    expect(sent.filter((id) => !recorded.has(id))).toEqual([]);
    // The last record of a killed process may have stayed without its bytes, never the other way round.
    expect(recorded.size - sent.length).toBeLessThanOrEqual(5);
    openTrail(folder, { nowMs: Date.now() }).trail.write(signed(1));
    expect(verify(folder).problem).toBeUndefined();
  });
});

describe('two processes on one folder', () => {
  it('A second process on one audit folder refuses to start until the first is gone, however it went', async () => {
    const folder = temporaryFolder();
    const first = startWriter(folder, 'first');
    await once(first.stdout, 'data');
    const second = spawnSync(process.execPath, [WRITER, folder, 'second', '1'], { encoding: 'utf8' });
    expect(second.status).not.toBe(0);
    expect(second.stderr).toContain('Another process writes its audit trail to');
    expect(() => createFileAuditSink({ folder, key: undefined, durability: 'process' })).toThrow(
      /Another process/,
    );
    first.kill('SIGKILL');
    await once(first, 'exit');
    const third = spawnSync(process.execPath, [WRITER, folder, 'third', '1'], { encoding: 'utf8' });
    expect(third).toMatchObject({ status: 0, stdout: 'third-0\n' });
    expect([...signedIds(folder)].filter((id) => String(id).startsWith('second'))).toEqual([]);
    expect(verify(folder).problem).toBeUndefined();
  });
});

describe('a file that may not grow (RLIMIT_FSIZE of 8 kB in a process of its own)', () => {
  it('A file that may not grow refuses the call, leaves no part of a line, and goes on when there is room', () => {
    const folder = temporaryFolder();
    const limited = `ulimit -f 16; exec "$0" "$@"`;
    const run = spawnSync('sh', ['-c', limited, process.execPath, WRITER, folder, 'l', '60'], {
      encoding: 'utf8',
    });
    expect(run.status).toBe(0);
    const outputs = run.stdout.split('\n').filter((line) => line !== '');
    const refused = outputs.filter((line) => line.startsWith('refused'));
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.every((line) => line.endsWith(' EFBIG'))).toBe(true);
    expect(outputs.at(-1)).not.toMatch(/^refused/);
    const recorded = signedIds(folder);
    const sent = outputs.filter((line) => !line.startsWith('refused'));
    expect(sent).toEqual([...recorded]);
    expect(readdirSync(folder).filter((name) => name.includes('torn'))).toEqual([]);
    expect(verify(folder).problem).toBeUndefined();
  });
});

/** A tmpfs on a folder of its own, where that is permitted (root in a container or a virtual machine). */
function mountSmall(folder: string, options: string): boolean {
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'none', folder], { encoding: 'utf8' });
  if (mount.status === 0) onTestFinished(() => void spawnSync('umount', ['-l', folder]));
  return mount.status === 0;
}

const canMount = process.getuid?.() === 0 && spawnSync('unshare', ['-m', 'true']).status === 0;
if (canMount)
  describe('a small file system (tmpfs of 16 kB)', () => {
    it('A full disk refuses calls, leaves no part of a line, and goes on when there is room', () => {
      const folder = join(temporaryFolder(), 'audit');
      mkdirSync(folder);
      expect(mountSmall(folder, 'size=16k,mode=700')).toBe(true);
      const { trail, lines } = openTrail(folder);
      const written: number[] = [];
      for (let number = 0; number < 60; number++) {
        try {
          trail.write(signed(number));
          written.push(number);
        } catch (error) {
          expect(error).toMatchObject({ name: 'PROXY_AUDIT_UNAVAILABLE', rule: 'ENOSPC' });
        }
      }
      expect(written.length).toBeGreaterThan(5);
      expect(written.length).toBeLessThan(60);
      expect(trail.state).toMatchObject({ available: false, lastError: 'ENOSPC' });
      expect(trail.note({ ...signed(77), event: 'call.refused' })).toBe(false);
      expect(lines.at(-1)).toContain('call.refused');
      expect(recordsIn(folder)).toHaveLength(written.length);
      expect(verify(folder).problem).toBeUndefined();

      execFileSync('mount', ['-o', 'remount,size=1m', folder]);
      expect(trail.check()).toBe(true);
      trail.write(signed(99));
      expect(recordsIn(folder).at(-1)).toMatchObject({ requestId: 'r-99', seq: written.length + 2 });
      expect(verify(folder).problem).toBeUndefined();
    });

    it('A read-only audit folder refuses calls, and goes on when it is writable again', () => {
      const folder = join(temporaryFolder(), 'audit');
      const { trail } = openTrail(folder);
      trail.write(signed(1));
      expect(mountSmall(folder, 'size=16k,mode=700,ro')).toBe(true);
      expect(() => trail.write(signed(2))).toThrow(expect.objectContaining({ rule: 'EROFS' }));
      expect(() => createFileAuditSink({ folder, key: undefined, durability: 'process' })).toThrow(/EROFS/);
      execFileSync('umount', [folder]);
      trail.write(signed(3));
      expect(recordsIn(folder).map(({ seq }) => seq)).toEqual([1, 2]);
      expect(verify(folder).problem).toBeUndefined();
    });

    it('An audit trail starts on a full disk, refuses calls, and goes on when there is room', () => {
      const folder = join(temporaryFolder(), 'audit');
      mkdirSync(folder);
      expect(mountSmall(folder, 'size=16k,mode=700')).toBe(true);
      const first = openTrail(folder);
      for (let number = 0; number < 60; number++) first.trail.note(signed(number));
      const length = statSync(join(folder, 'audit-2026-02-03.ndjson')).size;
      first.trail.close();
      const second = openTrail(folder, { nowMs: NOON_MS + DAY_MS });
      expect(() => second.trail.write(signed(1))).toThrow(expect.objectContaining({ rule: 'ENOSPC' }));
      execFileSync('mount', ['-o', 'remount,size=1m', folder]);
      second.trail.write(signed(2));
      expect(readFileSync(join(folder, 'audit-2026-02-03.ndjson'))).toHaveLength(length);
      expect(verify(folder).problem).toBeUndefined();
    });
  });
else process.stdout.write('Mounting is not permitted here: a full disk is tested by RLIMIT_FSIZE only.\n');
