import { readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ANCHOR_FILE } from '../../src/audit/anchor.ts';
import { createFileAuditSink } from '../../src/audit/file-sink.ts';
import { createNoAuditSink } from '../../src/audit/no-sink.ts';
import { trailsOf } from '../../src/audit/reading/trail-paths.ts';
import { verifyTrail } from '../../src/audit/reading/verify-trail.ts';
import type { Log } from '../../src/audit/record-printer.ts';
import type { AuditSink } from '../../src/audit/sink.ts';
import { createAuditTrail } from '../../src/audit/trail.ts';
import { auditKeyFrom } from '../../src/core/records/chain.ts';
import {
  completed,
  NOON_MS,
  openTrail,
  recordsIn,
  signed,
  temporaryFolder,
} from '../support/fixtures/sample-trail.ts';
import { closeUnder } from '../support/processes/close-under.ts';

const TODAY = 'audit-2026-02-03.ndjson';
const key = auditKeyFrom('the operator’s own key');

function problemOf(folder: string, keys: Parameters<typeof verifyTrail>[1]['keys'] = []) {
  return trailsOf([folder]).map((trail) => verifyTrail(trail, { keys, firstSeq: 1 }))[0]?.problem;
}

function requestIdsIn(folder: string): readonly unknown[] {
  return recordsIn(folder).map(({ requestId }) => requestId);
}

async function twoTurns(): Promise<void> {
  await nextTurn();
  await nextTurn();
}

/** How each of them ended, in words. */
async function endings(commits: readonly Promise<void>[]): Promise<readonly string[]> {
  const settled = await Promise.allSettled(commits);
  return settled.map((each) => (each.status === 'fulfilled' ? 'stored' : each.reason.name));
}

describe('records that are committed in one turn of the event loop', () => {
  it('Records committed in one turn are refused together when the file cannot take them, and stand nowhere', async () => {
    const folder = join(temporaryFolder(), 'audit');
    const { trail, lines } = openTrail(folder);
    trail.write(signed(1));
    renameSync(folder, `${folder}.away`);
    const first = trail.commit(signed(2));
    trail.noteBatched(completed(1));
    const commits = [first, trail.commit(signed(3))];
    expect(await endings(commits)).toEqual(['PROXY_AUDIT_UNAVAILABLE', 'PROXY_AUDIT_UNAVAILABLE']);
    expect(trail.state).toEqual({ available: false, errors: 3, lastError: 'ENOENT' });
    expect(lines.slice(1).map((line) => [JSON.parse(line).event, JSON.parse(line).seq])).toEqual([
      ['audit.failed', undefined],
      ['call.completed', undefined],
    ]);
    renameSync(`${folder}.away`, folder);
    await trail.commit(signed(4));
    expect(requestIdsIn(folder)).toEqual(['r-1', 'r-4']);
    expect(problemOf(folder)).toBeUndefined();
  });

  it.each([
    ['the day file', TODAY, ['r-1', 'r-4']],
    ['the anchor, after the records went in', ANCHOR_FILE, ['r-1', 'r-2', 'r-3', 'r-4']],
  ])('Records are refused together when %s fails, and none stands twice', async (_name, file, standing) => {
    const folder = temporaryFolder();
    const { trail } = openTrail(folder);
    trail.write(signed(1));
    closeUnder(join(folder, file));
    const commits = [trail.commit(signed(2)), trail.commit(signed(3))];
    expect(await endings(commits)).toEqual(['PROXY_AUDIT_UNAVAILABLE', 'PROXY_AUDIT_UNAVAILABLE']);
    await trail.commit(signed(4));
    expect(requestIdsIn(folder)).toEqual(standing);
    expect(recordsIn(folder).map(({ seq }) => seq)).toEqual(standing.map((_id, index) => index + 1));
    expect(problemOf(folder)).toBeUndefined();
  });

  it('Records committed in one turn stand in the file before anybody hears of it, not before the turn is over', async () => {
    const folder = temporaryFolder();
    const { trail, lines } = openTrail(folder, { key });
    trail.write(signed(1));
    const seen: (readonly unknown[])[] = [];
    const look = () => void seen.push(requestIdsIn(folder));
    const commits = [2, 3, 4].map((number) => trail.commit(signed(number)).then(look));
    await Promise.resolve();
    expect(requestIdsIn(folder)).toEqual(['r-1']);
    await Promise.all(commits);
    expect(seen).toEqual(Array(3).fill(['r-1', 'r-2', 'r-3', 'r-4']));
    await twoTurns();
    expect(lines.map((line) => JSON.parse(line).seq)).toEqual([1, 2, 3, 4]);
    expect(problemOf(folder, [key])).toBeUndefined();
  });

  it('Whoever waits for a record goes on before it is printed; who hears of records has heard of it by then', async () => {
    const { trail, lines } = openTrail(temporaryFolder());
    const heard: string[] = [];
    trail.hearing((event) => void heard.push(event));
    await trail.commit(signed(1));
    expect([lines.length, heard]).toEqual([0, ['call.signed']]);
    await twoTurns();
    expect(lines).toHaveLength(1);
  });

  it('What is printed keeps the order of the file, and is printed when the trail is closed', async () => {
    const { trail, lines } = openTrail(temporaryFolder());
    await trail.commit(signed(1));
    trail.note(completed(1));
    await trail.commit(signed(2));
    trail.close();
    expect(lines.map((line) => JSON.parse(line).seq)).toEqual([1, 2, 3]);
    await twoTurns();
    expect(lines).toHaveLength(3);
  });

  it('Without a folder a record is printed before anybody goes on', async () => {
    const lines: string[] = [];
    const log: Log = (printed) => void lines.push(...printed.map(({ text }) => text));
    const trail = createAuditTrail({ sink: createNoAuditSink(), log, now: () => NOON_MS });
    await trail.commit(signed(1));
    expect(lines).toHaveLength(1);
  });

  it('Records committed in one turn cost one append, and one line of the log after the other in one go', async () => {
    const folder = temporaryFolder();
    const sink = createFileAuditSink({ folder, key: undefined, durability: 'process' });
    const appends: number[] = [];
    const counted: AuditSink = {
      keepsRecords: sink.keepsRecords,
      append: (timeMs, builds) => {
        appends.push(builds.length);
        return sink.append(timeMs, builds);
      },
      takeRepairs: () => sink.takeRepairs(),
      isWritable: () => sink.isWritable(),
      isLow: () => sink.isLow(),
      close: () => sink.close(),
    };
    const prints: number[] = [];
    const log = (lines: readonly unknown[]) => void prints.push(lines.length);
    const trail = createAuditTrail({ sink: counted, log, now: () => NOON_MS });
    await Promise.all(Array.from({ length: 50 }, (_, number) => trail.commit(signed(number))));
    await twoTurns();
    expect([appends, prints]).toEqual([[50], [50]]);
    trail.close();
  });

  it('Records committed in one turn keep their place before what is written by itself in that turn', async () => {
    const folder = temporaryFolder();
    const { trail } = openTrail(folder);
    const first = trail.commit(signed(1));
    trail.write(signed(2));
    trail.noteBatched(signed(3));
    trail.note(signed(4));
    expect(requestIdsIn(folder)).toEqual(['r-1', 'r-2', 'r-3', 'r-4']);
    await first;
    expect(problemOf(folder)).toBeUndefined();
  });

  it('Records committed in one turn are stored when the trail is closed before the turn is over', async () => {
    const folder = temporaryFolder();
    const { trail } = openTrail(folder);
    const commit = trail.commit(signed(1));
    trail.close();
    await commit;
    expect(requestIdsIn(folder)).toEqual(['r-1']);
    expect(await endings([trail.commit(signed(2))])).toEqual(['PROXY_AUDIT_UNAVAILABLE']);
    expect(statSync(join(folder, TODAY)).size).toBe(readFileSync(join(folder, TODAY)).length);
  });
});
