import { readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ANCHOR_FILE } from '../../../src/audit/anchor.ts';
import { trailsOf } from '../../../src/audit/reading/trail-paths.ts';
import { verifyTrail } from '../../../src/audit/reading/verify-trail.ts';
import { auditKeyFrom } from '../../../src/core/records/chain.ts';
import { DAY_MS, NOON_MS, openTrail, signed, temporaryFolder } from '../../support/fixtures/sample-trail.ts';

const KEY = auditKeyFrom('the key of this trail');
const DAYS = ['audit-2026-02-03.ndjson', 'audit-2026-02-04.ndjson', 'audit-2026-02-05.ndjson'] as const;

/** Three days of five records. */
function threeDays(key?: typeof KEY): string {
  const folder = temporaryFolder();
  const { trail, clock } = openTrail(folder, { key });
  for (let day = 0; day < 3; day++) {
    clock.nowMs = NOON_MS + day * DAY_MS;
    for (let number = 1; number <= 5; number++) trail.write(signed(day * 5 + number));
  }
  trail.close();
  return folder;
}

function edit(path: string, change: (lines: string[]) => string[]): void {
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  writeFileSync(
    path,
    change(lines)
      .map((line) => `${line}\n`)
      .join(''),
  );
}

function verdictOn(paths: string | string[], keys = [KEY]) {
  return trailsOf([paths].flat()).map((trail) => verifyTrail(trail, { keys, firstSeq: 1 }))[0]!;
}

type Tampering = readonly [
  what: string,
  tamper: (folder: string) => void,
  file: string,
  line: number,
  message: RegExp,
];

const swap = (folder: string, a: string, b: string): void => {
  renameSync(join(folder, a), join(folder, 'x'));
  renameSync(join(folder, b), join(folder, a));
  renameSync(join(folder, 'x'), join(folder, b));
};

const TAMPERINGS: readonly Tampering[] = [
  [
    'a changed record',
    (f) => edit(join(f, DAYS[1]), (l) => l.with(2, l[2]!.replace('0.01', '0.02'))),
    DAYS[1],
    3,
    /changed/,
  ],
  [
    'a removed record',
    (f) => edit(join(f, DAYS[1]), (l) => l.toSpliced(2, 1)),
    DAYS[1],
    3,
    /record 8 is missing/,
  ],
  [
    'the removed first record of a day',
    (f) => edit(join(f, DAYS[1]), (l) => l.slice(1)),
    DAYS[1],
    1,
    /record 6 is missing/,
  ],
  [
    'the removed last record of a day',
    (f) => edit(join(f, DAYS[0]), (l) => l.slice(0, -1)),
    DAYS[1],
    1,
    /record 5 is missing/,
  ],
  [
    'an inserted record',
    (f) => edit(join(f, DAYS[0]), (l) => l.toSpliced(4, 0, l[1]!)),
    DAYS[0],
    5,
    /record 2 stands where 5 was due/,
  ],
  [
    'an inserted foreign line',
    (f) => edit(join(f, DAYS[0]), (l) => l.toSpliced(3, 0, '{"seq":4}')),
    DAYS[0],
    4,
    /not a whole/,
  ],
  [
    'records in the wrong order',
    (f) => edit(join(f, DAYS[2]), (l) => [l[0]!, l[2]!, l[1]!, l[3]!, l[4]!]),
    DAYS[2],
    2,
    /record 13 stands where 12/,
  ],
  [
    'a cut tail',
    (f) => edit(join(f, DAYS[2]), (l) => l.slice(0, 2)),
    DAYS[2],
    3,
    /records 13 to 15 are missing/,
  ],
  [
    'an emptied last day',
    (f) => writeFileSync(join(f, DAYS[2]), ''),
    DAYS[2],
    1,
    /records 11 to 15 are missing/,
  ],
  [
    'a torn last line',
    (f) => writeFileSync(join(f, DAYS[2]), readFileSync(join(f, DAYS[2])).subarray(0, -5)),
    DAYS[2],
    5,
    /cut/,
  ],
  ['swapped days', (f) => swap(f, DAYS[0], DAYS[1]), DAYS[0], 1, /trail begins with record 6/],
  ['swapped later days', (f) => swap(f, DAYS[1], DAYS[2]), DAYS[1], 1, /record 11 stands where 6/],
  ['a missing first day', (f) => unlinkSync(join(f, DAYS[0])), DAYS[1], 1, /trail begins with record 6/],
  ['a missing day', (f) => unlinkSync(join(f, DAYS[1])), DAYS[2], 1, /records 6 to 10 are missing/],
  [
    'a missing last day',
    (f) => unlinkSync(join(f, DAYS[2])),
    DAYS[2],
    1,
    /file that the anchor names is missing/,
  ],
  [
    'a day under another name',
    (f) => renameSync(join(f, DAYS[2]), join(f, 'audit-2026-02-07.ndjson')),
    'audit-2026-02-07.ndjson',
    1,
    /of 2026-02-05 stands in the file of 2026-02-07/,
  ],
  ['a missing anchor', (f) => unlinkSync(join(f, ANCHOR_FILE)), ANCHOR_FILE, 1, /anchor is missing/],
  [
    'an anchor set back after a cut',
    (f) => {
      edit(join(f, DAYS[2]), (l) => l.slice(0, 2));
      const anchor = readFileSync(join(f, ANCHOR_FILE), 'utf8').replace('"seq":15', '"seq":12');
      writeFileSync(join(f, ANCHOR_FILE), anchor);
    },
    ANCHOR_FILE,
    1,
    /anchor was changed/,
  ],
];

describe('the verification of a folder', () => {
  it('The verification finds nothing wrong with a whole trail of several days', () => {
    expect(verdictOn(threeDays(KEY))).toMatchObject({
      problem: undefined,
      files: 3,
      records: 15,
      firstSeq: 1,
      lastSeq: 15,
      notes: [],
    });
  });

  it.each(TAMPERINGS)('With a key %s is found at its file and line', (_, tamper, file, line, message) => {
    const folder = threeDays(KEY);
    tamper(folder);
    expect(verdictOn(folder).problem).toEqual({
      file: join(folder, file),
      line,
      message: expect.stringMatching(message),
    });
  });

  // Without a key whoever can write the files can also make a fitting anchor: that one tampering is not seen.
  it.each(TAMPERINGS.slice(0, -1))(
    'Without a key %s is found at its file and line',
    (_, tamper, file, line, message) => {
      const folder = threeDays();
      tamper(folder);
      expect(verdictOn(folder, []).problem).toEqual({
        file: join(folder, file),
        line,
        message: expect.stringMatching(message),
      });
    },
  );

  it('The verification says that the key is wrong, missing or one too many', () => {
    expect(verdictOn(threeDays(KEY), [auditKeyFrom('wrong')]).problem?.message).toBe(
      'the anchor was made with another key',
    );
    expect(verdictOn(threeDays(KEY), []).problem?.message).toContain('--key-file');
    expect(verdictOn(threeDays(), [KEY]).problem?.message).toBe('the anchor was made without a key');
  });

  it('The verification takes a folder whose older files were archived when it is told where the rest begins', () => {
    const folder = threeDays(KEY);
    unlinkSync(join(folder, DAYS[0]));
    const [trail] = trailsOf([folder]);
    expect(verifyTrail(trail!, { keys: [KEY], firstSeq: 6 }).problem).toBeUndefined();
    expect(verifyTrail(trail!, { keys: [KEY], firstSeq: 7 }).problem?.line).toBe(1);
  });

  it('The verification finds nothing to verify in a folder without a trail', () => {
    expect(verdictOn(temporaryFolder()).problem?.message).toBe('there is no audit trail here');
  });
});

describe('the verification of single files', () => {
  it('The verification takes single files in the order of their days and says what it cannot tell', () => {
    const folder = threeDays(KEY);
    expect(verdictOn([join(folder, DAYS[1]), join(folder, DAYS[0])])).toMatchObject({
      problem: undefined,
      records: 10,
      notes: [expect.stringContaining('no anchor names these files')],
    });
    expect(verdictOn(join(folder, DAYS[2]))).toMatchObject({
      problem: undefined,
      notes: ['what came before record 11 was not looked at'],
    });
  });

  it('The verification finds a cut tail of a single file that the anchor beside it names', () => {
    const folder = threeDays(KEY);
    const path = join(folder, DAYS[2]);
    edit(path, (lines) => lines.slice(0, 4));
    expect(verdictOn(path).problem).toMatchObject({ file: path, line: 5 });
  });
});
