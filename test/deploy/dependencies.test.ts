import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { printDependencyTable } from '../../scripts/dependency-table.ts';
import { readLockfile } from '../support/images/lockfile.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const manifest = JSON.parse(read('package.json')) as {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly allowScripts: Readonly<Record<string, boolean>>;
};
const locked = readLockfile();
const shipped = locked.filter(({ dev }) => !dev);

describe('the dependencies', () => {
  it('The table of dependencies says what is locked, with the purpose of each that is imported', () => {
    expect(read('docs/dependencies.md')).toBe(printDependencyTable());
    expect(printDependencyTable()).not.toMatch(/\| \|$/m);
  });

  it('Every dependency has an exact version', () => {
    for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies }))
      expect([name, version]).toEqual([name, expect.stringMatching(/^\d+\.\d+\.\d+$/)]);
  });

  it('Every dependency is pinned by hash', () => {
    expect(locked.length).toBeGreaterThan(100);
    for (const { path, integrity } of locked)
      expect([path, integrity]).toEqual([path, expect.stringMatching(/^sha512-/)]);
  });

  it('Every shipped dependency carries a licence that allows shipping', () => {
    const allowed = ['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', 'BlueOak-1.0.0', '0BSD'];
    expect(shipped.length).toBeGreaterThan(50);
    for (const { path, license } of shipped)
      expect([path, allowed.includes(license ?? '')]).toEqual([path, true]);
  });

  it('No dependency runs an install script but the pinned Node', () => {
    expect(shipped.filter(({ hasInstallScript }) => hasInstallScript).map(({ path }) => path)).toEqual([]);
    const allowed = Object.entries(manifest.allowScripts).filter(([, may]) => may);
    expect(allowed.map(([name]) => name)).toEqual(['node']);
    for (const { name, hasInstallScript } of locked)
      if (hasInstallScript && name !== 'fsevents') expect(Object.keys(manifest.allowScripts)).toContain(name);
  });
});
