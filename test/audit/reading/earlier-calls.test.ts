import { appendFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { earlierCallsIn } from '../../../src/audit/reading/earlier-calls.ts';
import {
  completed,
  DAY_MS,
  NOON_MS,
  openTrail,
  signed,
  temporaryFolder,
} from '../../support/fixtures/sample-trail.ts';

async function openIds(folder: string): Promise<unknown[]> {
  return (await earlierCallsIn(folder, 0)()).unfinished.map(({ requestId }) => requestId);
}

describe('the orders that a run left open', () => {
  it('An order is open when it was signed only, or completed as unknown and not resolved', async () => {
    const folder = temporaryFolder();
    const { trail } = openTrail(folder);
    for (let number = 1; number <= 6; number++) trail.write(signed(number));
    trail.write({ ...completed(1), outcome: 'answered', clientOrderId: 'c-1' });
    trail.write({ ...completed(2), outcome: 'not-sent', clientOrderId: 'c-2' });
    trail.write({ ...completed(3), outcome: 'unknown', clientOrderId: 'c-3' });
    trail.write({ ...completed(4), outcome: 'unknown', clientOrderId: 'c-4' });
    trail.write({ event: 'call.resolved', requestId: 'r-4', clientOrderId: ['c-4'] });
    trail.write({ ...signed(6), clientOrderId: undefined, requestId: 'r-7' });
    expect(await openIds(folder)).toEqual(['r-3', 'r-5', 'r-6']);
  });

  it('Open orders are looked for in the last two files, and in nothing that was written since', async () => {
    const folder = temporaryFolder();
    const { trail, clock } = openTrail(folder);
    for (let day = 1; day <= 3; day++) {
      clock.nowMs = NOON_MS + day * DAY_MS;
      trail.write(signed(day));
    }
    const read = earlierCallsIn(folder, 0);
    trail.write(signed(4));
    trail.write({ ...completed(3), outcome: 'answered', clientOrderId: 'c-3' });
    expect((await read()).unfinished.map(({ requestId }) => requestId)).toEqual(['r-2', 'r-3']);
  });

  it('Open orders are found around lines that are no records, and an empty folder has none', async () => {
    const folder = temporaryFolder();
    expect(await openIds(folder)).toEqual([]);
    expect(await openIds(join(folder, 'nowhere'))).toEqual([]);
    const { trail } = openTrail(folder);
    trail.write(signed(1));
    const [name = ''] = readdirSync(folder).filter((each) => each.endsWith('.ndjson'));
    appendFileSync(join(folder, name), '{"clientOrderId":\nnull\n{"clientOrderId":"x"}\n');
    expect(await openIds(folder)).toEqual(['r-1']);
  });
});
