import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { printDependencyTable } from '../../scripts/dependency-table.ts';
import { tidyLockfile } from '../../scripts/tidy-lockfile.ts';
import { readLockfile } from '../support/images/lockfile.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const manifest = JSON.parse(read('package.json')) as {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
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
    const { dependencies, devDependencies, optionalDependencies } = manifest;
    const all = { ...dependencies, ...devDependencies, ...optionalDependencies };
    for (const [name, version] of Object.entries(all))
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

  it('No dependency runs an install script, with any npm', () => {
    // What the lockfile does not say of a package npm does not do, and newer ones ask this list as well.
    expect(read('package-lock.json')).not.toContain('hasInstallScript');
    expect(Object.values(manifest.allowScripts)).not.toContain(true);
  });

  it('No npm warns of the Node that it runs on, or leaves out a package for it', () => {
    expect(tidyLockfile(read('package-lock.json'))).toBe(read('package-lock.json'));
  });

  it('The Node that runs the program comes with it, the same one for every kind of machine, without development', () => {
    const nodes = Object.entries(manifest.optionalDependencies);
    expect(nodes.map(([name]) => name)).toContain(`node-linux-${process.arch}`);
    expect(new Set(nodes.map(([, version]) => version))).toEqual(new Set(['26.10.0']));
    for (const [name] of nodes) expect(read('package-lock.json')).toContain(`"node_modules/${name}": {`);
    expect(manifest.dependencies).not.toHaveProperty('node');
  });
});
