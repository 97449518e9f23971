import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { folderWith } from '../support/fixtures/config-folder.ts';
import { runToEnd } from '../support/processes/child.ts';

const SCRIPT = fileURLToPath(new URL('../../scripts/build-executable.ts', import.meta.url));
/** 150 MB are written, on a machine that may be busy. */
const LONG_MS = 180_000;

it(
  'The single executable plays the demo with nothing beside it, and brings the licences of all that is in it',
  async () => {
    const folder = folderWith();
    expect((await runToEnd([SCRIPT, '--dir', folder], { cwd: folder })).code).toBe(0);
    const command = join(folder, 'binance-signing-proxy');
    expect(statSync(command).size).toBeLessThan(200e6);
    expect(readFileSync(join(folder, 'THIRD-PARTY-LICENSES'), 'utf8')).toMatch(/^undici \S+ \(MIT\)$/m);
    expect(readFileSync(join(folder, 'NODE-LICENSE'), 'utf8')).toContain('Node.js is licensed for use');
    expect(readFileSync(join(folder, 'LICENSE'), 'utf8')).toContain('MIT License');

    const elsewhere = folderWith();
    const env = { PATH: '' };
    const demo = await runToEnd(['demo'], { cwd: elsewhere, env, command });
    expect([demo.code, demo.stderr]).toEqual([0, '']);
    expect(demo.stdout).toMatch(
      /(\d+) of \1 signed requests verified at the exchange; withdrawals there: 0\./,
    );
    const serve = await runToEnd(['serve'], { cwd: elsewhere, env, command });
    expect([serve.code, serve.stderr]).toEqual([78, expect.stringContaining('BINANCE_API_KEY is not set')]);
  },
  LONG_MS,
);
