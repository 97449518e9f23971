import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type OutputChunk, type OutputOptions, type Plugin, type RolldownLog, rolldown } from 'rolldown';

export const REPOSITORY = fileURLToPath(new URL('..', import.meta.url));
/** `ws` (native addons, not allowed in the image) and `debug` try these and do without them. */
const OPTIONAL = ['bufferutil', 'utf-8-validate', 'supports-color'];

export interface Bundling {
  /** Takes what the program is made of, or the place of a part of it. */
  readonly plugins?: readonly Plugin[];
  /** Where and in how many files it is written. */
  readonly output: OutputOptions;
  /** Whether the program finds a file of this relative name beside it. */
  readonly brings: (name: string) => boolean;
}

/**
 * Writes the program and all packages that it uses as readable JavaScript.
 * @throws Error when something of the program would be missing, or the bundler warns
 */
export async function bundleProgram({
  plugins = [],
  output: options,
  brings,
}: Bundling): Promise<readonly OutputChunk[]> {
  const warnings: RolldownLog[] = [];
  const bundle = await rolldown({
    cwd: REPOSITORY,
    input: join(REPOSITORY, 'src', 'main.ts'),
    platform: 'node',
    tsconfig: false,
    external: OPTIONAL,
    plugins: [...plugins],
    // The names of the packages' files stand in the output: as npm puts them here, wherever they really are.
    resolve: { symlinks: false },
    onLog: (level, log) => {
      if (level === 'warn') warnings.push(log);
    },
  });
  try {
    const { output } = await bundle.write({
      format: 'es',
      // One character beyond Latin-1 and V8 keeps the whole file with two bytes for each.
      charset: 'ascii',
      comments: false,
      minifyInternalExports: false,
      ...options,
    });
    if (warnings.length > 0) throw new Error(warnings.map(({ message }) => message).join('\n'));
    const chunks = output.filter((each) => each.type === 'chunk');
    assertWhole(chunks, brings);
    return chunks;
  } finally {
    await bundle.close();
  }
}

/** Nothing may be asked for at run time that is not in the build: there is no node_modules beside it. */
function assertWhole(chunks: readonly OutputChunk[], brings: Bundling['brings']): void {
  const own = new Set(chunks.map(({ fileName }) => fileName));
  for (const { fileName, imports, dynamicImports, code } of chunks) {
    for (const name of [...imports, ...dynamicImports])
      if (!own.has(name) && !isBuiltin(name)) throw new Error(`${fileName} imports ${name}`);
    for (const [, name = ''] of code.matchAll(/\b__require\("([^"]+)"\)/g))
      if (!isBuiltin(name) && !OPTIONAL.includes(name)) throw new Error(`${fileName} requires ${name}`);
    for (const [, name = ''] of code.matchAll(/new URL\("(\.[^"]*)", import\.meta\.url\)/g))
      if (!brings(name)) throw new Error(`${fileName} reads ${name}, which the build does not bring`);
  }
}
