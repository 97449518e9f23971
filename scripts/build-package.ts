import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { REPOSITORY } from './build-bundle.ts';
import { buildProgram } from './build-program.ts';

interface Manifest {
  readonly files: readonly string[];
  readonly [field: string]: unknown;
}

/** What npm takes in any case. */
const ALWAYS = ['README.md', 'LICENSE'];
/** What a checkout is for: the build holds these packages already, and a user would install them for nothing. */
const LEFT_OUT = ['dependencies', 'devDependencies', 'scripts', 'allowScripts'];

/**
 * Fills a folder with the package as it is published: the build, and no package beside it but a Node of its own.
 * @throws Error when a file is missing that the manifest names
 */
async function buildPackage(folder: string): Promise<void> {
  const manifest = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as Manifest;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await buildProgram(join(folder, 'dist'));
  for (const path of [...manifest.files, ...ALWAYS]) {
    if (existsSync(join(folder, path))) continue;
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    cpSync(join(REPOSITORY, path), join(folder, path), { recursive: true });
  }
  const published = Object.entries(manifest).filter(([field]) => !LEFT_OUT.includes(field));
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(Object.fromEntries(published), null, 2)}\n`);
}

/** `node scripts/build-package.ts [--dir FOLDER]`: what `npm pack` and `npm publish` take from dist/package/. */
const { values } = parseArgs({ options: { dir: { type: 'string', default: 'dist/package' } } });
await buildPackage(values.dir);
console.log(`npm publish ${values.dir} (or npm pack ${values.dir})`);
