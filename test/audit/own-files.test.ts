import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createFileNotionalLedger, LEDGER_FILE } from '../../src/orders/file-ledger.ts';
import { folderWith } from '../support/fixtures/config-folder.ts';
import {
  DAY_MS,
  NOON_MS,
  openTrail,
  recordsIn,
  signed,
  temporaryFolder,
} from '../support/fixtures/sample-trail.ts';
import { MAIN, runToEnd, startChild } from '../support/processes/child.ts';

const TODAY = 'audit-2026-02-03.ndjson';
const VICTIM = 'what somebody else keeps\n'.repeat(100);
const CONFIG = {
  BINANCE_API_KEY: 'k'.repeat(64),
  BINANCE_API_SECRET: 's'.repeat(64),
  BINANCE_PROXY_ENVIRONMENT: 'simulator',
  BINANCE_PROXY_PORT: '0',
  BINANCE_PROXY_OPERATOR_PORT: '0',
  BINANCE_PROXY_UPSTREAM_SPOT: 'http://127.0.0.1:9',
};

function folderOf(mode: number): string {
  const folder = join(temporaryFolder(), 'audit');
  mkdirSync(folder);
  chmodSync(folder, mode);
  return folder;
}

function victim(): string {
  const path = join(temporaryFolder(), 'victim');
  writeFileSync(path, VICTIM, { mode: 0o644 });
  return path;
}

describe('a folder that others may write to', () => {
  it.each([0o777, 0o1777, 0o770, 0o720, 0o702, 0o2775])(
    'An audit folder of mode %o is refused, with the command that mends it, and nothing is made in it',
    (mode) => {
      const folder = folderOf(mode);
      expect(() => openTrail(folder)).toThrow(
        expect.objectContaining({
          name: 'PROXY_AUDIT_UNAVAILABLE',
          message: expect.stringContaining(`run chmod go-w ${folder}`),
        }),
      );
      expect(readdirSync(folder)).toEqual([]);
      chmodSync(folder, mode & ~0o022);
      openTrail(folder).trail.write(signed(1));
      expect(recordsIn(folder)).toHaveLength(1);
    },
  );

  it.each([0o777, 0o770, 0o707])('A state folder of mode %o is refused', (mode) => {
    const folder = folderOf(mode);
    expect(() => createFileNotionalLedger(folder, NOON_MS)).toThrow(`run chmod go-w ${folder}`);
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([0o700, 0o750, 0o755])('A folder of mode %o, to which only its owner writes, is used', (mode) => {
    const folder = folderOf(mode);
    openTrail(folder).trail.write(signed(1));
    createFileNotionalLedger(folder, NOON_MS).close();
    expect(readdirSync(folder)).toEqual(expect.arrayContaining([TODAY, LEDGER_FILE]));
  });

  it.each([
    ['BINANCE_PROXY_AUDIT_DIR', 'audit folder'],
    ['BINANCE_PROXY_STATE_DIR', 'state folder'],
  ])(
    'The start stops with exit code 78 and one sentence where %s is open to others',
    async (variable, what) => {
      const folder = folderOf(0o777);
      const cwd = folderWith();
      const ended = await runToEnd([MAIN, 'serve'], { cwd, env: { ...CONFIG, [variable]: folder } });
      expect(ended).toMatchObject({ code: 78 });
      expect(ended.stderr).toBe(
        `The ${what} ${folder} can be written to by others (mode 0777): run chmod go-w ${folder}\n`,
      );
    },
  );

  it.skipIf(process.getuid?.() !== 0)(
    'A folder and a file of another user are refused to root as well',
    () => {
      const folder = folderOf(0o700);
      chownSync(folder, 65_532, 65_532);
      expect(() => openTrail(folder)).toThrow(`run chown 0 ${folder}`);
      chownSync(folder, 0, 0);
      writeFileSync(join(folder, TODAY), '', { mode: 0o600 });
      chownSync(join(folder, TODAY), 65_532, 65_532);
      expect(() => openTrail(folder)).toThrow(/belongs to another user/);
    },
  );
});

describe('a link in the place of a file', () => {
  it.each([TODAY, 'audit.anchor', 'audit.lock'])(
    'The trail does not start on a link named %s, and nothing is written through it or cut',
    (name) => {
      const folder = folderOf(0o700);
      const path = victim();
      symlinkSync(path, join(folder, name));
      expect(() => openTrail(folder)).toThrow(`${join(folder, name)} is a symbolic link`);
      expect(readFileSync(path, 'utf8')).toBe(VICTIM);
      expect(statSync(path).mode & 0o777).toBe(0o644);
    },
  );

  it.each([TODAY, 'audit.anchor', 'audit.lock'])(
    'A dangling link named %s makes no file where it leads',
    (name) => {
      const folder = folderOf(0o700);
      const path = join(temporaryFolder(), 'nothing');
      symlinkSync(path, join(folder, name));
      expect(() => openTrail(folder)).toThrow(/is a symbolic link/);
      expect(existsSync(path)).toBe(false);
    },
  );

  it('The trail refuses a record for which a link stands in the place of the next day', () => {
    const folder = folderOf(0o700);
    const { trail } = openTrail(folder);
    trail.write(signed(1));
    trail.close();
    const path = victim();
    symlinkSync(path, join(folder, 'audit-2026-02-04.ndjson'));
    expect(() => openTrail(folder, { nowMs: NOON_MS + DAY_MS })).toThrow(/is a symbolic link/);
    expect(readFileSync(path, 'utf8')).toBe(VICTIM);
  });

  it('The daily sums are neither read nor written through a link', () => {
    const folder = folderOf(0o700);
    const path = victim();
    symlinkSync(path, join(folder, LEDGER_FILE));
    expect(() => createFileNotionalLedger(folder, NOON_MS)).toThrow(/is a symbolic link/);
    expect(lstatSync(join(folder, LEDGER_FILE)).isSymbolicLink()).toBe(true);
    expect(readFileSync(path, 'utf8')).toBe(VICTIM);
  });

  it('The trail refuses a folder in the place of its anchor instead of waiting for it', () => {
    const folder = folderOf(0o700);
    mkdirSync(join(folder, 'audit.anchor'));
    expect(() => openTrail(folder)).toThrow(/is no plain file/);
  });

  it('An older day that was moved away and linked to does not keep the trail from going on', () => {
    const folder = folderOf(0o700);
    const { trail } = openTrail(folder);
    trail.write(signed(1));
    trail.close();
    const path = victim();
    symlinkSync(path, join(folder, 'audit-2026-01-01.ndjson'));
    openTrail(folder).trail.write(signed(2));
    expect(statSync(path).mode & 0o777).toBe(0o644);
    expect(readFileSync(path, 'utf8')).toBe(VICTIM);
  });
});

describe('the modes of files', () => {
  it('Files that others may read are private again once the trail is taken up', () => {
    const folder = folderOf(0o700);
    for (const day of [0, 1]) {
      const { trail } = openTrail(folder, { nowMs: NOON_MS + day * DAY_MS });
      trail.write(signed(day));
      trail.close();
    }
    writeFileSync(join(folder, 'audit-2026-02-03.torn-1'), 'torn');
    for (const name of readdirSync(folder)) chmodSync(join(folder, name), 0o666);
    openTrail(folder, { nowMs: NOON_MS + DAY_MS });
    const modes = readdirSync(folder).map((name) => [name, statSync(join(folder, name)).mode & 0o777]);
    expect(modes).toEqual(readdirSync(folder).map((name) => [name, 0o600]));
    expect(modes.length).toBe(5);
  });

  it('The daily sums are private again once they are read', () => {
    const folder = folderOf(0o700);
    createFileNotionalLedger(folder, NOON_MS).close();
    chmodSync(join(folder, LEDGER_FILE), 0o644);
    createFileNotionalLedger(folder, NOON_MS).close();
    expect(statSync(join(folder, LEDGER_FILE)).mode & 0o777).toBe(0o600);
  });

  it('A trail under Node’s permission model takes up its folder and restores its modes', async () => {
    const folder = folderOf(0o700);
    writeFileSync(join(folder, 'audit.anchor'), '', { mode: 0o644 });
    const root = join(import.meta.dirname, '../..');
    const flags = ['--permission', '--allow-net', `--allow-fs-read=${root}`, `--allow-fs-read=${folder}`];
    const child = startChild([...flags, `--allow-fs-write=${folder}`, MAIN, 'serve'], {
      cwd: root,
      env: { ...CONFIG, BINANCE_PROXY_AUDIT_DIR: folder },
    });
    await child.record('proxy.started');
    expect(statSync(join(folder, 'audit.anchor')).mode & 0o777).toBe(0o600);
  });
});
