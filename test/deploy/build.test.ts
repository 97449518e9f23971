import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageOf } from '../../scripts/build-licences.ts';
import { build } from '../support/images/image-layout.ts';
import { readLockfile } from '../support/images/lockfile.ts';

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));

let folders: readonly string[];
beforeAll(() => {
  folders = ['first-', 'second-'].map((name) => mkdtempSync(join(tmpdir(), name)));
  for (const folder of folders) build(folder);
});
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function filesIn(folder: string): ReadonlyMap<string, string> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
  return new Map(
    names
      .map(({ parentPath, name }) => join(parentPath, name))
      .toSorted()
      .map((path) => [path.slice(folder.length + 1), readFileSync(path, 'latin1')]),
  );
}

describe('the build', () => {
  it('The build gives the same bytes each time', () => {
    const [first, second] = folders.map(filesIn);
    expect(first!.size).toBeGreaterThan(20);
    expect([...second!.keys()]).toEqual([...first!.keys()]);
    for (const [name, text] of first!) expect([name, second!.get(name) === text]).toEqual([name, true]);
  });

  it('The build names its files after what is in them, and says nothing of the machine', () => {
    const files = filesIn(folders[0]!);
    expect([...files.keys()].filter((name) => !name.startsWith('program/'))).toEqual([
      'THIRD-PARTY-LICENSES',
    ]);
    for (const [name, text] of files) {
      expect(name).toMatch(
        /^(?:program\/(?:[a-z0-9.-]+\.(?:js|lua)|page\/[a-z]+\.(?:js|html|css|svg))|THIRD-PARTY-LICENSES)$/,
      );
      expect([name, text.includes(REPOSITORY), /sourceMappingURL=/.test(text)]).toEqual([name, false, false]);
    }
    expect([...files.keys()]).toEqual(
      expect.arrayContaining(
        ['main.js', 'serve.js', 'undici.js', 'budget.lua'].map((name) => `program/${name}`),
      ),
    );
  });

  it('The build stays readable, in characters that take one byte of memory each', () => {
    for (const [name, text] of filesIn(folders[0]!)) {
      if (!name.endsWith('.js') || name.startsWith('program/page/')) continue;
      expect([name, /[\u0080-\u00ff]/.test(text)]).toEqual([name, false]);
    }
    expect(filesIn(folders[0]!).get('program/main.js')).toMatch(/^async function run\(argv\) \{$/m);
  });

  it('The console is four files of less than 60 kB together, as they are sent packed', () => {
    const page = [...filesIn(folders[0]!)].filter(([name]) => name.startsWith('program/page/'));
    expect(page.map(([name]) => name.slice('program/page/'.length))).toEqual([
      'console.js',
      'icon.svg',
      'index.html',
      'style.css',
    ]);
    const bytes = page.reduce((sum, [, text]) => sum + gzipSync(Buffer.from(text, 'latin1')).length, 0);
    expect(bytes).toBeLessThan(60_000);
  });

  it('The build carries the licence of every package that has a part in it, production packages all of them', () => {
    const files = filesIn(folders[0]!);
    const licences = files.get('THIRD-PARTY-LICENSES') ?? '';
    const locked = new Map(readLockfile().map((each) => [each.path, each]));
    const inside = [...files.values()].flatMap((text) =>
      [...text.matchAll(/^\s*\/\/ (node_modules\/\S+)$/gm)].map(([, path = '']) => path),
    );
    const ofPage = ['preact', 'htm', 'uplot'].map((name) => `node_modules/${name}`);
    const paths = new Set([...inside.map((path) => packageOf(`/${path}`)?.folder.slice(1) ?? ''), ...ofPage]);
    expect(paths.size).toBeGreaterThan(50);
    for (const path of paths) {
      const { name, version, license, dev } = locked.get(path)!;
      expect([path, dev]).toEqual([path, false]);
      expect(licences).toContain(`\n${name} ${version} (${license})\n\n`);
    }
    const entries = licences.split(`${'-'.repeat(80)}\n`).slice(1);
    expect(entries).toHaveLength(paths.size);
    for (const entry of entries) expect(entry).toMatch(/copyright/i);
    for (const entry of entries) expect(entry).toMatch(/permission|redistribution|licensed under/i);
  });
});
