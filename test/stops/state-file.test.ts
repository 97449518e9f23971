import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { STATE_FILE, StateFile } from '../../src/stops/state-file.ts';
import type { StateEntry } from '../../src/stops/trading-state.ts';

const HALT: StateEntry = {
  ...{ kind: 'client', name: 'bot', state: 'halt', reason: 'ünter “quotes”', operator: 'alice' },
  ...{ channel: 'test', sinceMs: 1_700_000_000_000, revision: 7, cancel: 'own' },
};
const KEPT = {
  entries: [HALT],
  work: [{ scope: { kind: 'client', name: 'bot' }, mode: 'own', reason: 'x', sinceMs: 1, cancelled: 2 }],
  armed: ['bot'],
  beats: ['bot main usdm BTCUSDT'],
} as const;

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'states-'));
  path = join(folder, STATE_FILE);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('the state file', () => {
  it('What was written is read, and nobody else may read it', () => {
    const file = new StateFile(folder);
    expect(file.read()).toEqual({ kind: 'none' });
    file.write(KEPT);
    file.write(KEPT);
    expect(new StateFile(folder).read()).toEqual({ kind: 'read', kept: KEPT });
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('Cut at any byte but the last line break it cannot be read', () => {
    new StateFile(folder).write(KEPT);
    const whole = readFileSync(path);
    for (let length = whole.length - 2; length >= 0; length--) {
      truncateSync(path, length);
      expect(new StateFile(folder).read().kind).toBe('unreadable');
    }
  });

  it.each([
    ['empty', ''],
    ['of a newer version', '{"version":2,"entries":[],"work":[],"armed":[],"beats":[]}'],
    ['without its parts', '{"version":1,"entries":[]}'],
    [
      'with an unknown state',
      JSON.stringify({ version: 1, ...KEPT, entries: [{ ...HALT, state: 'pause' }] }),
    ],
    ['something else', '[1]'],
  ])('One that is %s cannot be read', (_what, text) => {
    writeFileSync(path, text, { mode: 0o600 });
    expect(new StateFile(folder).read()).toMatchObject({ kind: 'unreadable' });
  });

  it('What cannot be read is set aside by the next change, not lost', () => {
    writeFileSync(path, 'from a newer version', { mode: 0o600 });
    const file = new StateFile(folder);
    expect(file.read().kind).toBe('unreadable');
    file.write(KEPT);
    expect(file.read().kind).toBe('read');
    expect(readFileSync(`${path}.set-aside`, 'utf8')).toBe('from a newer version');
  });

  it('A folder that others may write to is refused', () => {
    chmodSync(folder, 0o777);
    expect(() => new StateFile(folder)).toThrow(/chmod go-w/);
  });
});
