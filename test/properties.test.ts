import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { portion, runs, SEED } from './support/properties.ts';

const FOLDER = import.meta.dirname;
const texts = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.ts') && name !== 'properties.test.ts')
  .map((name) => [name, readFileSync(join(FOLDER, name), 'utf8')] as const);

describe('a property', () => {
  it('takes its seed and its number of runs from one place', () => {
    const played = (text: string) => text.match(/\bfc\.(?:assert|check|sample)\(/g)?.length ?? 0;
    const placed = (text: string) => text.match(/\bruns\(/g)?.length ?? 0;
    expect(texts.filter(([, text]) => played(text) > 0).length).toBeGreaterThan(20);
    expect(texts.filter(([, text]) => played(text) !== placed(text)).map(([name]) => name)).toEqual([]);
  });

  it('is drawn from no other chance', () => {
    const chance = /\bMath\.random\b|\bnumRuns\b|\bseed: \d|\bprocess\.env\.\w*(?:SEED|RUNS)\b/;
    expect(texts.filter(([, text]) => chance.test(text)).map(([name]) => name)).toEqual([]);
  });

  it('runs a tenth as often as in the long form, and never so seldom that it says little', () => {
    const isLong = process.env.TEST_LONG === '1';
    expect([runs(5_000), runs(100), runs(10), runs(100, 50)].map(({ numRuns }) => numRuns)).toEqual(
      isLong ? [5_000, 100, 10, 100] : [500, 20, 10, 50],
    );
    expect(portion(60, 5)).toBe(isLong ? 60 : 6);
    expect(runs(1).seed).toBe(SEED);
  });
});
