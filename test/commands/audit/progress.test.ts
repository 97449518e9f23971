import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFileAuditSink } from '../../../src/audit/file-sink.ts';
import { createAuditTrail } from '../../../src/audit/trail.ts';
import { NOON_MS, signed } from '../../support/fixtures/sample-trail.ts';
import { MAIN, runToEnd } from '../../support/processes/child.ts';
import { hasTerminal, onTerminal, TERMINAL_MISSING } from '../../support/processes/terminal.ts';

if (!hasTerminal) process.stdout.write(`${TERMINAL_MISSING}\n`);

/** A folder with some 24 MB of records. */
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'audit-'));
  const sink = createFileAuditSink({ folder, key: undefined, durability: 'process' });
  const trail = createAuditTrail({ sink, log: () => {}, now: () => NOON_MS });
  const params = { note: 'n'.repeat(480) };
  for (let number = 0; number < 24_000; number++) trail.write({ ...signed(number), params });
  trail.close();
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('a long reading', () => {
  it.runIf(hasTerminal).each([
    [['verify'], /Verifying .*: \d+ %/, /OK, 24000 records/],
    [['report'], /Adding up: \d+ %/, /24000 unfinished/],
    [['show', '--json', '--order-id', '7'], /Looking for the calls: \d+ %/, /$/],
  ])(
    'The command audit %j shows on a terminal how far it has come, and takes that away again',
    async (words, bar, end) => {
      const terminal = onTerminal([MAIN, 'audit', ...words, folder], { cwd: folder });
      expect(await terminal.ended).toBe(0);
      expect(terminal.seen).toMatch(bar);
      expect(terminal.seen).toMatch(end);
      // The cursor is shown again, and the line of the bar is erased.
      expect(terminal.raw.lastIndexOf('\u001b[?25h')).toBeGreaterThan(
        terminal.raw.lastIndexOf('\u001b[?25l'),
      );
    },
  );

  it('The command audit verify says nothing on the way when stderr is no terminal', async () => {
    const { code, stdout, stderr } = await runToEnd([MAIN, 'audit', 'verify', folder], { cwd: folder });
    expect([code, stdout, stderr]).toEqual([0, expect.stringMatching(/^.*: OK, 24000 records.*\n$/), '']);
  });
});
