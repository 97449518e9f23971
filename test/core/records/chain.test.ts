import { createHash, createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  auditKeyFrom,
  auditKeyId,
  expectedHash,
  GENESIS,
  readSealedLine,
  sealLine,
} from '../../../src/core/records/chain.ts';
import { ChainCheck, type ChainCheckOptions } from '../../../src/core/records/chain-check.ts';
import { auditLine } from '../../../src/core/records/record.ts';
import { runs } from '../../support/properties.ts';

const KEY = auditKeyFrom('an audit key');

function chain(count: number, key: typeof KEY | undefined = undefined): Buffer[] {
  let prev = GENESIS.hash;
  return Array.from({ length: count }, (_, index) => {
    const line = auditLine({ event: 'call.signed', msg: `№ ${index}` }, index + 1, index * 1000);
    const sealed = sealLine(line, prev, key);
    prev = sealed.hash;
    return Buffer.from(sealed.text);
  });
}

function firstProblem(
  lines: readonly Buffer[],
  options: Partial<ChainCheckOptions> = {},
  fileDay = '1970-01-01',
) {
  const check = new ChainCheck({ keys: [], firstSeq: 1, anchored: undefined, ...options });
  for (const [index, line] of lines.entries()) {
    const message = check.next(line, fileDay, index === 0);
    if (message !== undefined) return { line: index + 1, message };
  }
  return undefined;
}

describe('the seal of a line', () => {
  it('The seal of a line is the SHA-256, or the HMAC, of the line without its hash', () => {
    const line = '{"seq":1,"time":"2026-01-01T00:00:00.000Z","msg":"ü"}';
    const open = `${line.slice(0, -1)},"prev":"${GENESIS.hash}"}`;
    expect(sealLine(line, GENESIS.hash, undefined).hash).toBe(
      createHash('sha256').update(open).digest('hex'),
    );
    expect(sealLine(line, GENESIS.hash, KEY).hash).toBe(
      createHmac('sha256', 'an audit key').update(open).digest('hex'),
    );
  });

  it('The seal of a line is broken by the change of any one byte of the line', () => {
    const [line = Buffer.alloc(0)] = chain(1);
    fc.assert(
      fc.property(fc.nat(line.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const changed = Buffer.from(line);
        changed[at] = (changed[at]! + by) % 256;
        const read = readSealedLine(changed);
        expect(read !== undefined && expectedHash(changed, undefined) === read.hash).toBe(false);
      }),
      runs(2_000),
    );
  });

  it('The id of an audit key names the key without giving it away', () => {
    expect(auditKeyId(KEY)).toMatch(/^[0-9a-f]{16}$/);
    expect(auditKeyId(KEY)).not.toBe(auditKeyId(auditKeyFrom('another')));
    expect(auditKeyId(undefined)).toBe('none');
  });
});

describe('the check of a chain', () => {
  it('The check of a chain finds nothing in a whole chain, with and without a key', () => {
    expect(firstProblem(chain(5))).toBeUndefined();
    expect(firstProblem(chain(5, KEY), { keys: [KEY] })).toBeUndefined();
  });

  const [one, two, three, four, five] = chain(5) as [Buffer, Buffer, Buffer, Buffer, Buffer];
  const forged = Buffer.from(
    sealLine(
      auditLine({ event: 'call.signed', msg: 'forged' }, 3, 2000),
      readSealedLine(two)!.hash,
      undefined,
    ).text,
  );

  it.each<[what: string, lines: Buffer[], line: number, message: RegExp]>([
    ['a changed record', [one, Buffer.from(two.toString().replace('№ 1', '№ 7')), three], 2, /was changed/],
    [
      'a changed first record',
      [Buffer.from(one.toString().replace('№ 0', '№ 7')), two],
      1,
      /was changed, or sealed with another key/,
    ],
    ['a removed record', [one, two, four, five], 3, /record 3 is missing/],
    ['several removed records', [one, five], 2, /records 2 to 4 are missing/],
    ['removed first records', [three, four], 1, /records 1 to 2 are missing/],
    ['a record that stands twice', [one, two, three, two, four], 4, /record 2 stands where 4 was due/],
    ['two records in the wrong order', [one, three, two, four], 2, /record 3 stands where 2 was due/],
    [
      'a forged record in place of one',
      [one, two, forged, four],
      4,
      /the record before this one was replaced/,
    ],
    ['a foreign line between records', [one, Buffer.from('{"a":1}'), two], 2, /not a whole audit record/],
    ['a record that was cut short', [one, two.subarray(0, -9), three], 2, /not a whole audit record/],
    ['an empty line', [one, Buffer.alloc(0), two], 2, /not a whole audit record/],
  ])('The check of a chain finds %s at its line', (_, lines, line, message) => {
    expect(firstProblem(lines)).toEqual({ line, message: expect.stringMatching(message) });
  });

  it('The check of a chain finds a replaced record that the anchor names', () => {
    const anchored = { seq: 3, hash: readSealedLine(three)!.hash };
    expect(firstProblem([one, two, three, four], { anchored })).toBeUndefined();
    expect(firstProblem([one, two, forged], { anchored })).toEqual({
      line: 3,
      message: expect.stringContaining('not the record 3 that the anchor names'),
    });
  });

  it('The check of a chain finds a record of another day than its file', () => {
    expect(firstProblem([one, two], {}, '1970-01-02')?.line).toBe(1);
    expect(firstProblem([one, two], {}, '1969-12-31')?.line).toBe(1);
  });

  it('The check of a chain tells a wrong key, a missing key and a record without a key apart from each other', () => {
    expect(firstProblem(chain(2, KEY))?.message).toMatch(/another key/);
    expect(firstProblem(chain(2, KEY), { keys: [auditKeyFrom('wrong')] })?.message).toMatch(/another key/);
    expect(firstProblem(chain(2), { keys: [KEY] })?.message).toMatch(/without the key/);
  });

  it('The check of a chain takes keys in the order of their use and never goes back to an earlier one', () => {
    const later = auditKeyFrom('later');
    const seal = (seq: number, prev: string, key: typeof KEY) =>
      sealLine(auditLine({ event: 'call.signed' }, seq, 0), prev, key);
    const a = seal(1, GENESIS.hash, KEY);
    const b = seal(2, a.hash, later);
    const [c, back] = [seal(3, b.hash, later), seal(3, b.hash, KEY)];
    const lines = (last: { text: string }) => [a, b, last].map(({ text }) => Buffer.from(text));
    expect(firstProblem(lines(c), { keys: [KEY, later] })).toBeUndefined();
    expect(firstProblem(lines(back), { keys: [KEY, later] })?.line).toBe(3);
  });
});
