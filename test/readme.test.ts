import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { SECRET_VARIABLES, VARIABLES } from '../src/config/schema/variables.ts';
import { PROXY_ERRORS } from '../src/core/errors.ts';
import { CHILD_ENV } from './support/processes/child.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  scripts: Record<string, string>;
};

async function program(...argv: readonly string[]): Promise<{ code: number; output: string }> {
  try {
    const { stdout, stderr } = await run(process.execPath, ['bin/binance-signing-proxy.mjs', ...argv], {
      cwd: root,
      env: CHILD_ENV,
    });
    return { code: 0, output: stdout + stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, output: stdout + stderr };
  }
}

describe('the README', () => {
  it('The README says of every error what the code says', () => {
    const rows = [...readme.matchAll(/^\| `(PROXY_\w+)` \| (\d+) \| (-\d+) \|/gm)].map(
      ([, name, status, code]) => [name, Number(status), Number(code)],
    );
    expect(rows).toEqual(
      Object.entries(PROXY_ERRORS).map(([name, { status, code }]) => [name, status, code]),
    );
  });

  it('The README names only variables that exist', () => {
    const known = new Set([
      ...VARIABLES.keys(),
      ...SECRET_VARIABLES,
      'BINANCE_PROXY_CONFIG',
      'BINANCE_PROXY_ALLOW_LOOSENING',
      'BINANCE_PROXY_WATCH_SECRETS',
    ]);
    const named = new Set(readme.match(/BINANCE_PROXY_[A-Z0-9_]+/g));
    expect([...named].filter((name) => !known.has(name))).toEqual([]);
  });

  it('The README links only to files that exist', () => {
    const links = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map(([, path]) => path ?? '');
    expect(links.length).toBeGreaterThan(5);
    expect(links.filter((path) => !existsSync(new URL(`../${path}`, import.meta.url)))).toEqual([]);
  });

  it('The README names only npm scripts that exist', () => {
    const scripts = [...readme.matchAll(/npm (?:run )?(start|test|demo|dev|check|fix)\b/g)].map(
      ([, name]) => name ?? '',
    );
    expect(scripts.filter((name) => manifest.scripts[name] === undefined)).toEqual([]);
  });

  it.each([
    'init',
    'serve',
    'demo',
    'simulator',
    'check',
    'client',
    'audit',
    'healthcheck',
    'reload',
    'completion',
  ])('The command %s says with --help how it is used', async (command) => {
    const { code, output } = await program(command, '--help');
    expect(code).toBe(0);
    expect(output).toMatch(new RegExp(`^Usage: binance-signing-proxy ${command}`, 'm'));
  });

  it('The program without a credential exits with code 78 and a sentence', async () => {
    const { code, output } = await program('serve');
    expect(code).toBe(78);
    expect(output).toMatch(/BINANCE_API_KEY/);
    expect(output).not.toMatch(/\bat .*\.ts:\d/);
  });

  it('The program says of an unknown command that it is one', async () => {
    const { code, output } = await program('withdraw');
    expect([code, output]).toEqual([64, expect.stringContaining('Unknown command "withdraw"')]);
  });

  it('The demo tells its story and exits with 0', async () => {
    const { code, output } = await program('demo');
    expect(output).toMatch(/(\d+) of \1 signed requests verified at the exchange; withdrawals there: 0\./);
    expect(output).toContain('403 PROXY_DENYLISTED');
    expect(output).toContain('429 PROXY_WEIGHT_EXHAUSTED');
    expect(output).toContain('signature=•••');
    expect(output).not.toMatch(/signature=[0-9a-f]{64}/);
    expect(code).toBe(0);
  });
});
