import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const rules = readFileSync(new URL('../../.dockerignore', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => ({ keeps: line.startsWith('!'), pattern: toPattern(line.replace(/^!/, '')) }));

/** Docker's rules: Go's filepath.Match with `**`, and a pattern that matches a folder matches what is in it. */
function toPattern(rule: string): RegExp {
  const source = rule
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('**/', '\u0000')
    .replaceAll('*', '[^/]*')
    .replaceAll('\u0000', '(?:.*/)?');
  return new RegExp(`^${source}(?:/.*)?$`);
}

/** The last rule that matches decides. */
function isSent(path: string): boolean {
  return rules.findLast(({ pattern }) => pattern.test(path))?.keeps ?? true;
}

describe('.dockerignore', () => {
  it.each([
    '.env',
    '.env.local',
    'src/.env',
    'src/routes/.env.production',
    'config/.env',
    'config/catalogue/.env',
    'config/proxy.yaml',
    'secrets/binance_api_key',
    'audit/audit-2026-11-21.ndjson',
    'src/audit/audit-2026-11-21.ndjson',
    'src/key.pem',
    'scripts/.env',
    'scripts/catalogue/check.ts',
    'dist/program/main.js',
    'config/catalogue/tls.key',
    '.git/config',
    'node_modules/undici/index.js',
    'test/support/servers/proxy.ts',
    'anything-that-comes-later',
  ])('The file .dockerignore keeps %s out of the build', (path) => {
    expect(isSent(path)).toBe(false);
  });

  it('The file .dockerignore lets in all of the program, its build, its catalogue and the lockfile', () => {
    const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
      cwd: root,
      encoding: 'utf8',
    }).split('\n');
    const needed = files.filter((path) =>
      /^(?:src|config\/catalogue)\/|^scripts\/build|^package(?:-lock)?\.json$|^\.npmrc$/.test(path),
    );
    expect(needed.length).toBeGreaterThan(150);
    expect(needed.filter((path) => !isSent(path))).toEqual([]);
  });

  it('The file .dockerignore lets in nothing else', () => {
    const files = execFileSync('git', ['ls-files', '--cached', '--others'], {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    });
    const sent = new Set(
      files
        .split('\n')
        .filter((path) => path !== '' && isSent(path))
        .map((path) => path.replace(/\/.*/, '')),
    );
    expect([...sent].toSorted()).toEqual([
      '.npmrc',
      'LICENSE',
      'config',
      'package-lock.json',
      'package.json',
      'scripts',
      'src',
    ]);
  });
});
