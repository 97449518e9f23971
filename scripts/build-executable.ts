import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Plugin } from 'rolldown';
import { bundleProgram, REPOSITORY } from './build-bundle.ts';
import { printLicences } from './build-licences.ts';
import { buildPage } from './build-page.ts';

const CATALOGUE = join(REPOSITORY, 'config', 'catalogue');
const NAME = 'binance-signing-proxy';

/** Under these names the executable holds the files that the program otherwise reads from disk. */
const ASSETS: Readonly<Record<string, string>> = {
  'budget.lua': join(REPOSITORY, 'src', 'budgets', 'stores', 'budget.lua'),
  'claims.lua': join(REPOSITORY, 'src', 'repeats', 'claims.lua'),
  'states.lua': join(REPOSITORY, 'src', 'stops', 'states.lua'),
  ...Object.fromEntries(readdirSync(CATALOGUE).map((name) => [`catalogue/${name}`, join(CATALOGUE, name)])),
};

/** The modules that read those files, each with the one that finds the same within the executable. */
const READERS: ReadonlyMap<string, string> = new Map([
  [
    join(REPOSITORY, 'src', 'budgets', 'stores', 'budget-script.ts'),
    `import { getAsset } from 'node:sea';
export const readBudgetScript = () => getAsset('budget.lua', 'utf8');`,
  ],
  [
    join(REPOSITORY, 'src', 'repeats', 'claims-script.ts'),
    `import { getAsset } from 'node:sea';
export const readClaimsScript = () => getAsset('claims.lua', 'utf8');`,
  ],
  [
    join(REPOSITORY, 'src', 'stops', 'states-script.ts'),
    `import { getAsset } from 'node:sea';
export const readStatesScript = () => getAsset('states.lua', 'utf8');`,
  ],
  [
    join(REPOSITORY, 'src', 'config', 'catalogue-files.ts'),
    `import { getAsset, getAssetKeys } from 'node:sea';
export const readCatalogueTexts = () =>
  getAssetKeys().filter((key) => key.startsWith('catalogue/')).sort()
    .map((key) => ({ name: key.slice('catalogue/'.length), text: getAsset(key, 'utf8') }));`,
  ],
  [
    join(REPOSITORY, 'src', 'operator', 'console', 'page-files.ts'),
    `import { getAsset, getAssetKeys } from 'node:sea';
export const readPageFiles = () =>
  new Map(getAssetKeys().filter((key) => key.startsWith('page/'))
    .map((key) => [key.slice('page/'.length), getAsset(key, 'utf8')]));`,
  ],
]);
const fromWithin: Plugin = { name: 'from-within', load: (id) => READERS.get(id) };

/** As the image starts Node, less the permissions: those are paths, which the executable cannot know. */
const FLAGS = [
  '--disable-sigusr1',
  '--disable-proto=throw',
  '--max-semi-space-size=8',
  '--single-threaded-gc',
  '--liftoff-only',
  '--no-flush-bytecode',
  '--disable-warning=ExperimentalWarning',
];

/**
 * Writes the program, its packages and this very Node as one file, with the licences of all of them beside it.
 * @throws Error when something of the program would be missing
 */
async function buildExecutable(folder: string): Promise<string> {
  const output = join(folder, process.platform === 'win32' ? `${NAME}.exe` : NAME);
  const work = mkdtempSync(join(tmpdir(), 'executable-'));
  try {
    mkdirSync(folder, { recursive: true });
    const chunks = await bundleProgram({
      plugins: [fromWithin],
      output: { file: join(work, 'main.mjs'), codeSplitting: false },
      brings: () => false,
    });
    const page = await buildPage(join(work, 'page'));
    const pageFiles = readdirSync(join(work, 'page')).map((name) => [
      `page/${name}`,
      join(work, 'page', name),
    ]);
    const configuration = {
      main: join(work, 'main.mjs'),
      mainFormat: 'module',
      output,
      disableExperimentalSEAWarning: true,
      execArgv: FLAGS,
      assets: { ...ASSETS, ...Object.fromEntries(pageFiles) },
    };
    writeFileSync(join(work, 'sea.json'), JSON.stringify(configuration));
    execFileSync(process.execPath, ['--build-sea', join(work, 'sea.json')], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const modules = [...chunks, page].flatMap(({ moduleIds }) => moduleIds).filter((id) => !READERS.has(id));
    writeFileSync(join(folder, 'THIRD-PARTY-LICENSES'), printLicences(modules).text);
    copyFileSync(
      join(dirname(realpathSync(process.execPath)), '..', 'LICENSE'),
      join(folder, 'NODE-LICENSE'),
    );
    copyFileSync(join(REPOSITORY, 'LICENSE'), join(folder, 'LICENSE'));
    return output;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** `node scripts/build-executable.ts [--dir FOLDER]`: one file for machines like this one, in dist/executable/. */
const { values } = parseArgs({ options: { dir: { type: 'string', default: 'dist/executable' } } });
const written = await buildExecutable(values.dir);
console.log(`${written}: ${Math.round(statSync(written).size / 1e6)} MB`);
