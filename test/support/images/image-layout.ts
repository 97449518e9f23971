import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { argsOf, environmentOf, execForm, readDockerfile, stageOf } from './dockerfile.ts';

/** What the image is, in a folder of this machine. */
export interface ImageLayout {
  /** The image's root. */
  readonly root: string;
  /** Where the image's commands run. */
  readonly cwd: string;
  /** What the image sets, its folders moved below `root`. */
  readonly env: Readonly<Record<string, string>>;
  /** Node's flags and the program, its folders moved below `root`. */
  readonly entrypoint: readonly string[];
  readonly healthcheck: readonly string[];
}

const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));
const FOLDERS = ['etc/binance-proxy', 'run/secrets', 'run/binance-proxy', 'var/lib/binance-proxy'];
const runtime = stageOf(readDockerfile(), 'runtime');

/** Fills an empty folder as the Dockerfile's last stage is filled: the build, and what is copied beside it. */
export function layOutImage(root: string): ImageLayout {
  const layout = imageIn(root);
  for (const { name, args } of runtime.instructions) {
    const paths = args.split(' ').filter((part) => !part.startsWith('--'));
    const to = paths.pop() ?? '';
    if (name !== 'COPY' || to.startsWith('/')) continue;
    if (args.startsWith('--from=build')) build(join(layout.cwd, to));
    else
      for (const path of paths)
        copy(path, to.endsWith('/') ? join(layout.cwd, to, path) : join(layout.cwd, to));
  }
  return layout;
}

/** The layout in a folder that is filled already; the folders that the image writes to are made. */
export function imageIn(root: string): ImageLayout {
  for (const folder of FOLDERS) mkdirSync(join(root, folder), { recursive: true });
  return {
    root,
    cwd: join(root, argsOf(runtime, 'WORKDIR')),
    env: Object.fromEntries(
      Object.entries(environmentOf(runtime)).map(([name, value]) => [
        name,
        value.startsWith('/') ? join(root, value) : value,
      ]),
    ),
    entrypoint: moved(root, execForm(argsOf(runtime, 'ENTRYPOINT'))),
    healthcheck: moved(root, execForm(argsOf(runtime, 'HEALTHCHECK'))),
  };
}

/** Runs the build as the Dockerfile does. */
export function build(folder: string): void {
  const script = join(REPOSITORY, 'scripts', 'build.ts');
  execFileSync(process.execPath, [script, '--dir', folder], { stdio: ['ignore', 'ignore', 'inherit'] });
}

function copy(path: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  cpSync(join(REPOSITORY, path), to, { recursive: true });
}

/** A command of the image without its Node, the folders of its permissions moved below another root. */
function moved(root: string, command: readonly string[]): readonly string[] {
  return command
    .slice(1)
    .map((word) => word.replace(/^(--allow-fs-(?:read|write)=)(?!\/proc\/)/, `$1${root}`));
}
