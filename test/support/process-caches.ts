import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = join(root, 'node_modules/.cache/tests');

/**
 * Runs once before all tests: makes the start of a process cheap, of a worker and of every program that a test starts.
 * What Node has compiled is kept, as bin/launch.mjs does for users; without it each process strips the types of the whole
 * program again. The package typebox is bundled, as a release has it.
 */
export async function setup(): Promise<void> {
  process.env.NODE_COMPILE_CACHE ??= join(folder, 'compiled');
  const names = ['typebox', 'typebox/compile', 'typebox/system', 'typebox/value'];
  const input = Object.fromEntries(names.map((name) => [name.replace('/', '-'), name]));
  const bundle = await rolldown({ input, cwd: root, platform: 'node' });
  const { output } = await bundle.generate({
    format: 'esm',
    entryFileNames: '[name].mjs',
    chunkFileNames: '[name]-[hash].mjs',
  });
  await bundle.close();
  mkdirSync(folder, { recursive: true });
  // The chunks that are shared come first, as another run of the tests may be reading.
  for (const file of output.toSorted((a, b) => Number(isEntry(a)) - Number(isEntry(b))))
    if (file.type === 'chunk') put(join(folder, file.fileName), file.code);
}

function isEntry(file: { readonly type: string; readonly isEntry?: boolean }): boolean {
  return file.isEntry === true;
}

/** Puts a text in place in one step, and leaves one that is the same alone. */
function put(path: string, text: string): void {
  if (textOf(path) === text) return;
  writeFileSync(`${path}.${process.pid}`, text);
  renameSync(`${path}.${process.pid}`, path);
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
