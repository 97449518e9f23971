import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ANCHOR_FILE } from '../../src/audit/anchor.ts';
import { createFileAuditSink } from '../../src/audit/file-sink.ts';
import { trailsOf } from '../../src/audit/reading/trail-paths.ts';
import { verifyTrail } from '../../src/audit/reading/verify-trail.ts';
import { auditKeyFrom } from '../../src/core/records/chain.ts';
import {
  completed,
  DAY_MS,
  NOON_MS,
  openTrail,
  recordsIn,
  signed,
  temporaryFolder,
} from '../support/fixtures/sample-trail.ts';
import { closeUnder } from '../support/processes/close-under.ts';

const TODAY = 'audit-2026-02-03.ndjson';

function verify(folder: string, keys: Parameters<typeof verifyTrail>[1]['keys'] = []) {
  return trailsOf([folder]).map((trail) => verifyTrail(trail, { keys, firstSeq: 1 }))[0]!;
}

describe('the audit file', () => {
  it('A record stands in the audit file before write returns, private to its owner, with the fields of the log line', () => {
    const folder = join(temporaryFolder(), 'new', 'audit');
    const { trail, lines } = openTrail(folder);
    trail.write(signed(1));
    const text = readFileSync(join(folder, TODAY), 'utf8');
    trail.close();
    expect(text.endsWith('\n')).toBe(true);
    expect(text.startsWith(lines[0]!.slice(0, -1))).toBe(true);
    const { prev, hash, ...rest } = JSON.parse(text);
    expect(rest).toEqual(JSON.parse(lines[0]!));
    expect([prev, hash].every((each) => /^[0-9a-f]{64}$/.test(each))).toBe(true);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(folder))
      expect([name, statSync(join(folder, name)).mode & 0o777]).toEqual([name, 0o600]);
  });

  it('The audit file goes on with its numbers and hashes over restarts and days', () => {
    const folder = temporaryFolder();
    for (const day of [0, 0, 1, 3]) {
      const { trail } = openTrail(folder, { nowMs: NOON_MS + day * DAY_MS });
      trail.write(signed(day));
      trail.write(completed(day));
      trail.close();
    }
    expect(recordsIn(folder).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(readdirSync(folder).filter((name) => name.endsWith('.ndjson'))).toEqual([
      TODAY,
      'audit-2026-02-04.ndjson',
      'audit-2026-02-06.ndjson',
    ]);
    expect(verify(folder)).toMatchObject({ problem: undefined, records: 8, lastSeq: 8, notes: [] });
  });

  it('The audit file changes at midnight, and not back when the clock steps back over it', () => {
    const folder = temporaryFolder();
    const { trail, clock } = openTrail(folder, { nowMs: Date.UTC(2026, 1, 3, 23, 59, 59, 999) });
    trail.write(signed(1));
    clock.nowMs++;
    trail.write(signed(2));
    clock.nowMs -= 500;
    trail.write(signed(3));
    expect(recordsIn(folder).map(({ time }) => time)).toEqual([
      '2026-02-03T23:59:59.999Z',
      '2026-02-04T00:00:00.000Z',
      '2026-02-03T23:59:59.500Z',
    ]);
    expect(verify(folder).problem).toBeUndefined();
  });

  it.each(['process', 'disk'] as const)('The audit file works with durability %s and a key', (durability) => {
    const folder = temporaryFolder();
    const key = auditKeyFrom('k'.repeat(32));
    const { trail } = openTrail(folder, { key, durability });
    for (let number = 0; number < 5; number++) trail.write(signed(number));
    expect(verify(folder, [key])).toMatchObject({ problem: undefined, records: 5 });
    expect(verify(folder).problem?.message).toContain('--key-file');
  });

  it('A torn last line is set aside at the next start, the chain says so, and nothing else is lost', () => {
    const folder = temporaryFolder();
    const first = openTrail(folder);
    first.trail.write(signed(1));
    first.trail.close();
    appendFileSync(join(folder, TODAY), '{"time":"2026-02-03T12:00:00.000Z","level":30,"ev');
    const second = openTrail(folder);
    second.trail.write(signed(2));
    expect(recordsIn(folder).map(({ event, seq, detail }) => ({ event, seq, detail }))).toEqual([
      { event: 'call.signed', seq: 1, detail: undefined },
      {
        event: 'audit.torn',
        seq: 2,
        detail: {
          reason: 'the last line was torn',
          file: TODAY,
          bytes: 49,
          movedTo: 'audit-2026-02-03.torn-1',
        },
      },
      { event: 'call.signed', seq: 3, detail: undefined },
    ]);
    expect(second.lines[0]).toContain('"level":40,"event":"audit.torn"');
    expect(readFileSync(join(folder, 'audit-2026-02-03.torn-1'), 'utf8')).toMatch(/^\{.*"ev$/);
    expect(verify(folder)).toMatchObject({
      problem: undefined,
      notes: ['torn lines that were set aside: audit-2026-02-03.torn-1'],
    });
  });

  it('An anchor that was removed alone is there again with the first record a second later, or when it is asked for', async () => {
    const folder = temporaryFolder();
    const { trail } = openTrail(folder);
    const anchor = join(folder, ANCHOR_FILE);
    trail.write(signed(1));
    rmSync(anchor);
    await pause(1_100);
    trail.write(signed(2));
    expect(existsSync(anchor)).toBe(true);
    rmSync(anchor);
    expect([trail.check(), existsSync(anchor)]).toEqual([true, true]);
    trail.write(signed(3));
    trail.close();
    expect(recordsIn(folder).flatMap(({ requestId }) => requestId ?? [])).toEqual(['r-1', 'r-2', 'r-3']);
  });

  it('The audit file goes on after a kill between a record and its anchor', () => {
    const folder = temporaryFolder();
    const { trail } = openTrail(folder);
    trail.write(signed(1));
    const anchor = readFileSync(join(folder, ANCHOR_FILE));
    trail.write(signed(2));
    trail.close();
    writeFileSync(join(folder, ANCHOR_FILE), anchor);
    expect(verify(folder).problem).toBeUndefined();
    openTrail(folder).trail.write(signed(3));
    expect(recordsIn(folder).map(({ event, seq }) => [event, seq])).toEqual([
      ['call.signed', 1],
      ['call.signed', 2],
      ['call.signed', 3],
    ]);
  });

  it('A restart does not heal a cut tail: the numbers go on after the anchor, and the chain says what is missing', () => {
    const folder = temporaryFolder();
    const { trail } = openTrail(folder);
    for (let number = 1; number <= 3; number++) trail.write(signed(number));
    trail.close();
    const path = join(folder, TODAY);
    truncateSync(path, readFileSync(path).indexOf('\n') + 1);
    expect(verify(folder).problem).toMatchObject({
      line: 2,
      message: expect.stringContaining('records 2 to 3'),
    });
    openTrail(folder).trail.write(signed(4));
    expect(recordsIn(folder)[1]).toMatchObject({ seq: 4, detail: { missingFrom: 2, missingTo: 3 } });
    expect(verify(folder).problem).toMatchObject({
      line: 2,
      message: expect.stringContaining('2 to 3 are missing'),
    });
  });

  it('The audit file starts on a last line that is no record, and verify still finds that line', () => {
    const folder = temporaryFolder();
    const { trail } = openTrail(folder);
    trail.write(signed(1));
    trail.close();
    appendFileSync(join(folder, TODAY), 'edited by hand\n');
    openTrail(folder).trail.write(signed(2));
    expect(recordsIn.bind(undefined, folder)).toThrow();
    expect(verify(folder).problem).toMatchObject({ line: 2 });
  });
});

describe('the audit folder', () => {
  it('The audit folder refuses a second sink of the same process until the first is closed', () => {
    const folder = temporaryFolder();
    const first = createFileAuditSink({ folder, key: undefined, durability: 'process' });
    const second = () => createFileAuditSink({ folder, key: undefined, durability: 'process' });
    expect(second).toThrow(/Another process writes its audit trail to /);
    first.close();
    const next = second();
    expect(() => first.append(NOON_MS, [() => '{}'])).toThrow(/could not be written/);
    expect(first.isWritable()).toBe(false);
    next.append(NOON_MS, [(seq) => `{"seq":${seq}}`]);
    next.close();
  });

  it('An audit folder that is no folder is refused by its path', () => {
    const path = join(temporaryFolder(), 'file');
    writeFileSync(path, '');
    expect(() => createFileAuditSink({ folder: path, key: undefined, durability: 'process' })).toThrow(
      `The audit folder ${path} cannot be used (EEXIST): a file stands in its way`,
    );
  });

  it('A renamed audit folder refuses records, gets no new folder in its place, and goes on when it is back', () => {
    const folder = join(temporaryFolder(), 'audit');
    const { trail, lines } = openTrail(folder);
    trail.write(signed(1));
    renameSync(folder, `${folder}.away`);
    expect(() => trail.write(signed(2))).toThrow(
      expect.objectContaining({ name: 'PROXY_AUDIT_UNAVAILABLE', status: 503 }),
    );
    expect(trail.note({ event: 'call.refused' })).toBe(false);
    expect(lines.at(-1)).not.toContain('"seq"');
    expect(trail.state).toEqual({ available: false, errors: 2, lastError: 'ENOENT' });
    expect(trail.check()).toBe(false);
    expect(existsSync(folder)).toBe(false);
    renameSync(`${folder}.away`, folder);
    expect(trail.check()).toBe(true);
    trail.write(signed(3));
    expect(trail.state.available).toBe(true);
    expect(recordsIn(folder).map(({ seq, event, requestId }) => [seq, event, requestId])).toEqual([
      [1, 'call.signed', 'r-1'],
      [2, 'audit.restored', undefined],
      [3, 'call.signed', 'r-3'],
    ]);
    expect(verify(folder).problem).toBeUndefined();
  });

  it('A removed audit folder refuses records, and an empty one in its place goes on with the chain', () => {
    const folder = join(temporaryFolder(), 'audit');
    const { trail } = openTrail(folder);
    trail.write(signed(1));
    rmSync(folder, { recursive: true });
    expect(() => trail.write(signed(2))).toThrow(/could not be written/);
    mkdirSync(folder);
    trail.write(signed(3));
    expect(recordsIn(folder).map(({ seq, event }) => [seq, event])).toEqual([
      [2, 'call.signed'],
      [3, 'audit.torn'],
    ]);
    expect(verify(folder).problem?.message).toContain('records 1 to 1 are missing');
  });

  it('A day file that was removed is noticed before the next record', () => {
    const folder = temporaryFolder();
    const { trail } = openTrail(folder);
    trail.write(signed(1));
    unlinkSync(join(folder, TODAY));
    trail.write(signed(2));
    expect(recordsIn(folder).map(({ seq }) => seq)).toEqual([2, 3]);
    expect(verify(folder).problem).toMatchObject({ line: 1 });
  });

  it('The audit folder opens its files anew after a failure of the system', () => {
    const folder = temporaryFolder();
    const { trail } = openTrail(folder);
    trail.write(signed(1));
    closeUnder(join(folder, TODAY));
    expect(() => trail.write(signed(2))).toThrow(expect.objectContaining({ rule: 'EBADF' }));
    trail.write(signed(3));
    expect(recordsIn(folder).map(({ seq, requestId }) => [seq, requestId])).toEqual([
      [1, 'r-1'],
      [2, 'r-3'],
    ]);
    expect(verify(folder).problem).toBeUndefined();
  });
});
