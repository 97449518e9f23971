import { spawn } from 'node:child_process';
import { appendFileSync, copyFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { AuditTrail } from '../../../src/audit/trail.ts';
import {
  completed,
  DAY_MS,
  openTrail,
  signed,
  temporaryFolder,
} from '../../support/fixtures/sample-trail.ts';
import { CHILD_ENV, MAIN, runToEnd } from '../../support/processes/child.ts';
import { hasTerminal, onTerminal, TERMINAL_MISSING } from '../../support/processes/terminal.ts';

if (!hasTerminal) process.stdout.write(`${TERMINAL_MISSING}\n`);

interface Watching {
  /** Waits until so many lines were printed, and returns them. */
  lines(count: number): Promise<readonly string[]>;
  write(text: string): void;
  stop(): Promise<number | null>;
}

/** A real `audit tail` in a process of its own. */
function tailing(...args: readonly string[]): Watching {
  const child = spawn(process.execPath, [MAIN, 'audit', 'tail', ...args], {
    env: CHILD_ENV,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const printed: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => printed.push(line));
  const ended = new Promise<number | null>((resolve) => {
    child.on('close', resolve);
  });
  return {
    async lines(count) {
      await expect.poll(() => printed.length).toBeGreaterThanOrEqual(count);
      return printed;
    },
    write: (text) => void child.stdin.write(text),
    stop() {
      child.kill('SIGTERM');
      return ended;
    },
  };
}

const named = (line: string) => {
  const { event, requestId } = JSON.parse(line) as Record<string, string>;
  return `${event} ${requestId}`;
};

function order(trail: AuditTrail, number: number, symbol = 'BTCUSDT'): void {
  trail.write({ ...signed(number), params: { symbol, side: 'BUY' } });
  trail.note(completed(number));
}

describe('audit tail', () => {
  it('The command audit tail shows the last ten records, then each new one, into the file of the next day', async () => {
    const folder = temporaryFolder();
    const { trail, clock } = openTrail(folder);
    for (let number = 1; number <= 8; number++) order(trail, number);
    const watching = tailing(folder);
    expect((await watching.lines(10)).map(named).slice(0, 2)).toEqual([
      'call.signed r-4',
      'call.completed r-4',
    ]);
    order(trail, 9);
    clock.nowMs += DAY_MS;
    order(trail, 10);
    clock.nowMs += 2 * DAY_MS;
    order(trail, 11);
    expect((await watching.lines(16)).map(named).slice(10)).toEqual(
      [9, 10, 11].flatMap((number) => [`call.signed r-${number}`, `call.completed r-${number}`]),
    );
    expect(await watching.stop()).toBe(0);
  });

  it('The command audit tail waits in an empty folder for the first file', async () => {
    const folder = temporaryFolder();
    const watching = tailing(folder);
    const { trail } = openTrail(folder);
    order(trail, 1);
    expect((await watching.lines(2)).map(named)).toEqual(['call.signed r-1', 'call.completed r-1']);
  });

  it('The command audit tail begins with --since at that time, over all days from there', async () => {
    const folder = temporaryFolder();
    const { trail, clock } = openTrail(folder);
    for (let number = 1; number <= 12; number++) {
      order(trail, number);
      clock.nowMs += DAY_MS / 6;
    }
    const watching = tailing('--since', '2026-02-04', folder);
    expect((await watching.lines(18)).map(named)[0]).toBe('call.signed r-4');
  });

  it('The command audit tail goes on in the new file when a log is moved away, and when it is emptied', async () => {
    const log = join(temporaryFolder(), 'proxy.log');
    const record = (number: number, msg = '') =>
      `${JSON.stringify({ time: '2026-02-03T12:00:00.000Z', level: 30, event: 'proxy.started', requestId: `r-${number}`, msg })}\n`;
    writeFileSync(log, record(1));
    const watching = tailing(log);
    await watching.lines(1);
    appendFileSync(log, 'npm notice\n');
    appendFileSync(log, record(2).slice(0, 20));
    renameSync(log, `${log}.1`);
    appendFileSync(`${log}.1`, record(2).slice(20));
    await watching.lines(2);
    writeFileSync(log, record(3, 'x'.repeat(99)));
    await watching.lines(3);
    copyFileSync(log, `${log}.2`);
    // As copytruncate does: what stands there afterwards is shorter than what was read.
    truncateSync(log);
    appendFileSync(log, record(4));
    expect((await watching.lines(4)).map(named)).toEqual(
      [1, 2, 3, 4].map((number) => `proxy.started r-${number}`),
    );
  });

  it.each<[what: string, flags: string[], shown: string[]]>([
    [
      'a client',
      ['--client', 'grid-bot'],
      ['call.signed r-1', 'call.completed r-1', 'call.signed r-2', 'call.completed r-2'],
    ],
    [
      'a symbol, with the end of the call',
      ['--symbol', 'ETHUSDT'],
      ['call.signed r-2', 'call.completed r-2'],
    ],
    ['a symbol and an outcome', ['--symbol', 'ETHUSDT', '--outcome', 'answered'], ['call.completed r-2']],
    ['an event', ['--event', 'call.refused'], ['call.refused d-1', 'call.refused d-2']],
    ['an outcome', ['--outcome', 'answered'], ['call.completed r-1', 'call.completed r-2']],
    ['an error', ['--error', 'PROXY_DENYLISTED'], ['call.refused d-2']],
  ])('The command audit tail selects %s', async (_what, flags, shown) => {
    const folder = temporaryFolder();
    const { trail } = openTrail(folder);
    const watching = tailing(...flags, folder);
    order(trail, 1);
    order(trail, 2, 'ETHUSDT');
    const refused = { event: 'call.refused', client: 'dashboard' } as const;
    trail.note({ ...refused, requestId: 'd-1', error: 'PROXY_PERMISSION_DENIED' });
    trail.note({ ...refused, requestId: 'd-2', error: 'PROXY_DENYLISTED' });
    expect((await watching.lines(shown.length)).map(named)).toEqual(shown);
    expect(await watching.stop()).toBe(0);
  });

  it('The command audit tail reads the log of a proxy from stdin, one line for each record, and passes on the rest', async () => {
    const watching = tailing('--table', '-');
    watching.write(
      '{"time":"2026-02-03T12:00:00.000Z","level":30,"event":"proxy.started","detail":{"environment":"testnet"}}\n',
    );
    watching.write("Restarting 'src/main.ts'\u001b[2J\n");
    const [heading, record, rest] = await watching.lines(3);
    expect(heading).toMatch(/^TIME \(UTC\) +CLIENT/);
    expect(record).toMatch(/^2026-02-03 12:00:00\.000 +proxy\.started +environment=testnet$/);
    expect(rest).toBe("Restarting 'src/main.ts'\\u001b[2J");
  });

  it('The command audit tail says that a path does not exist', async () => {
    const { code, stderr } = await runToEnd([MAIN, 'audit', 'tail', 'no/such'], { cwd: temporaryFolder() });
    expect([code, stderr]).toEqual([1, expect.stringContaining('ENOENT')]);
  });

  it.runIf(hasTerminal).each([
    ['in colours', {}, true],
    ['without colours where NO_COLOR is set', { NO_COLOR: '1' }, false],
  ])('The command audit tail prints a table on a terminal, %s', async (_what, env, isColoured) => {
    const folder = temporaryFolder();
    const { trail } = openTrail(folder);
    const terminal = onTerminal([MAIN, 'audit', 'tail', folder], { cwd: folder, env });
    await terminal.sees(/TIME \(UTC\) +CLIENT/);
    order(trail, 1);
    await terminal.sees(/grid-bot +call\.completed/);
    expect(terminal.raw.includes('\u001b[')).toBe(isColoured);
    terminal.type('\u0003');
    expect(await terminal.ended).toBe(0);
  });
});
