import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { linesBackwards } from '../../src/audit/searching/backward-lines.ts';
import { runs } from '../support/properties.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'backward-lines-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Of a whole line; a part of one has none. */
const numberOf = (line: string) => Number(/^(\d+) é* end$/.exec(line)?.[1]);

async function numbersOf(path: string, before?: number): Promise<number[]> {
  const numbers: number[] = [];
  const numbered = before === undefined ? undefined : { before, numberOf };
  for await (const portion of linesBackwards(path, numbered)) numbers.push(...portion.map(numberOf));
  return numbers;
}

function write(lengths: readonly number[]): string {
  const path = join(folder, 'lines');
  writeFileSync(
    path,
    lengths.map((length, index) => `${10 * (index + 1)} ${'é'.repeat(length)} end\n`).join(''),
  );
  return path;
}

describe('lines from the end to the beginning', () => {
  it('Whatever their lengths and wherever it begins, none is lost, none comes twice, none out of its order', async () => {
    const length = fc.oneof(
      { weight: 20, arbitrary: fc.integer({ min: 0, max: 2_000 }) },
      { weight: 1, arbitrary: fc.integer({ min: 30_000, max: 120_000 }) },
    );
    const file = fc.array(length, { minLength: 1, maxLength: 150, size: 'max' });
    await fc.assert(
      fc.asyncProperty(file, fc.integer({ min: 0, max: 1_600 }), async (lengths, before) => {
        const path = write(lengths);
        const all = lengths.map((_, index) => 10 * (index + 1)).reverse();
        expect(await numbersOf(path)).toEqual(all);
        const wanted = (await numbersOf(path, before)).filter((number) => number < before);
        expect(wanted).toEqual(all.filter((number) => number < before));
      }),
      runs(200),
    );
  });

  it('Wherever it begins, the line before that is whole', async () => {
    const path = write(Array.from({ length: 1_500 }, () => 50));
    for (let before = 20; before <= 15_000; before += 10)
      expect((await numbersOf(path, before)).find((number) => number < before)).toBe(before - 10);
  });

  it('A search that goes on far in front does not read what is behind it', async () => {
    const path = write(Array.from({ length: 20_000 }, () => 50));
    const read = await numbersOf(path, 5_000);
    expect(read.slice(-499)).toEqual(Array.from({ length: 499 }, (_, index) => 10 * (499 - index)));
    // Of 20 000 lines of about 100 bytes.
    expect(read.length).toBeLessThan(2_500);
  });
});
