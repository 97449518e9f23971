import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** By name: what the page is made of. */
export type PageFiles = ReadonlyMap<string, string>;

/** Modules of packages, as the page's own modules import them: by path, because an import map would be inline script. */
const PACKAGES: ReadonlyMap<string, string> = new Map([
  ['preact.js', 'preact'],
  ['hooks.js', 'preact/hooks'],
  ['htm.js', 'htm'],
  ['uplot.js', 'uplot/dist/uPlot.esm.js'],
]);

/**
 * Reads the console's page. The build has it in one module; a checkout has it as it is written, and the browser loads
 * the packages from node_modules, so that a change needs no build.
 */
export function readPageFiles(): PageFiles {
  const folder = new URL('./page/', import.meta.url);
  const files = new Map(
    readdirSync(fileURLToPath(folder), { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => [name, readFileSync(new URL(name, folder), 'utf8')] as const),
  );
  if (!files.has('dom.js')) return files;
  for (const [name, specifier] of PACKAGES)
    files.set(name, withPaths(readFileSync(new URL(import.meta.resolve(specifier)), 'utf8')));
  const chartStyle = new URL('uPlot.min.css', import.meta.resolve('uplot/dist/uPlot.esm.js'));
  files.set('style.css', `${readFileSync(chartStyle, 'utf8')}\n${files.get('style.css')}`);
  return files;
}

/** A package names another one where a browser wants a path. */
function withPaths(text: string): string {
  return text
    .replaceAll(/\bfrom\s*(["'])preact\1/g, 'from "./preact.js"')
    .replace(/\n\/\/# \S+\.map\s*$/, '');
}
