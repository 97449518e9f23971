import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type OutputChunk, type Plugin, rolldown } from 'rolldown';
import { REPOSITORY } from './build-bundle.ts';

const PAGE = join(REPOSITORY, 'src', 'operator', 'console', 'page');
const CHART_STYLE = join(REPOSITORY, 'node_modules', 'uplot', 'dist', 'uPlot.min.css');

/** Packages by the paths under which the page's modules import them. */
const PACKAGES: ReadonlyMap<string, string> = new Map([
  ['./preact.js', 'preact'],
  ['./hooks.js', 'preact/hooks'],
  ['./htm.js', 'htm'],
  ['./uplot.js', 'uplot'],
]);
const byName: Plugin = {
  name: 'by-name',
  resolveId(path, importer, options) {
    const name = PACKAGES.get(path);
    return name === undefined ? undefined : this.resolve(name, importer, { ...options, skipSelf: true });
  },
};

/**
 * Writes the console's page as browsers get it from the build: one small module, and three files as they are.
 * @throws Error when a part is missing
 */
export async function buildPage(folder: string): Promise<OutputChunk> {
  mkdirSync(folder, { recursive: true });
  const bundle = await rolldown({
    cwd: REPOSITORY,
    input: join(PAGE, 'console.js'),
    platform: 'browser',
    tsconfig: false,
    plugins: [byName],
    resolve: { symlinks: false },
  });
  try {
    const { output } = await bundle.write({
      dir: folder,
      format: 'es',
      minify: true,
      codeSplitting: false,
      comments: false,
    });
    const [chunk, ...others] = output.filter((each) => each.type === 'chunk');
    if (chunk === undefined || others.length > 0 || chunk.imports.length > 0)
      throw new Error('the page is not one module');
    for (const name of ['index.html', 'icon.svg']) copyFileSync(join(PAGE, name), join(folder, name));
    const styles = [CHART_STYLE, join(PAGE, 'style.css')].map((path) => readFileSync(path, 'utf8'));
    writeFileSync(join(folder, 'style.css'), styles.join('\n'));
    return chunk;
  } finally {
    await bundle.close();
  }
}
