import { copyFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleProgram, REPOSITORY } from './build-bundle.ts';
import { packageOf, printLicences } from './build-licences.ts';
import { buildPage } from './build-page.ts';

/** Files that the program reads from beside itself, and where they come from. */
const COMPANIONS: ReadonlyMap<string, string> = new Map([
  ['./budget.lua', 'src/budgets/stores/budget.lua'],
  ['./claims.lua', 'src/repeats/claims.lua'],
  ['./states.lua', 'src/stops/states.lua'],
]);
/** The console's page, in a folder of its own. */
const PAGE = './page/';
/** What it reads from the configuration's folder, which in the repository and in the image is at the same distance. */
const CONFIGURATION = '../../config/';

export interface Built {
  readonly files: number;
  readonly packages: number;
}

/**
 * Writes the program as the image runs it: `program/` with few, readable files that hold all the code there is, and the
 * licences of what is in them. One file per package and no folder of 1500 to look through: it starts in half of the time
 * and takes a quarter less memory.
 * @throws Error when something of the program would be missing, or the bundler warns
 */
export async function buildProgram(folder: string): Promise<Built> {
  const program = join(folder, 'program');
  rmSync(program, { recursive: true, force: true });
  mkdirSync(program, { recursive: true });
  const chunks = await bundleProgram({
    output: {
      dir: program,
      entryFileNames: '[name].js',
      chunkFileNames: '[name].js',
      codeSplitting: { groups: [{ debugName: 'package', name: chunkOf }] },
    },
    brings: (name) => COMPANIONS.has(name) || name === PAGE || name.startsWith(CONFIGURATION),
  });
  for (const [name, source] of COMPANIONS) copyFileSync(join(REPOSITORY, source), join(program, name));
  const page = await buildPage(join(program, PAGE));
  const { text, packages } = printLicences([...chunks, page].flatMap(({ moduleIds }) => moduleIds));
  writeFileSync(join(folder, 'THIRD-PARTY-LICENSES'), text);
  return { files: chunks.length + COMPANIONS.size + readdirSync(join(program, PAGE)).length, packages };
}

/** The file that a module of a package goes into; the program's own modules are shared out by the bundler. */
function chunkOf(moduleId: string): string | undefined {
  return packageOf(moduleId)?.name.replace(/^@/, '').replace('/', '-').replace(/\.js$/, '');
}
