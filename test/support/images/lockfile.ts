import { readFileSync } from 'node:fs';

export interface LockedPackage {
  /** Where npm puts it, e.g. `node_modules/undici`. */
  readonly path: string;
  readonly name: string;
  readonly version: string;
  readonly license: string | undefined;
  readonly integrity: string | undefined;
  /** Not installed by `npm ci --omit=dev --omit=optional`, which is what the image does. */
  readonly dev: boolean;
}

interface Entry {
  readonly version?: string;
  readonly license?: string;
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly optional?: boolean;
}

/** Everything that the lockfile pins; what is not `dev` is what the image gets. */
export function readLockfile(): readonly LockedPackage[] {
  const text = readFileSync(new URL('../../../package-lock.json', import.meta.url), 'utf8');
  const { packages } = JSON.parse(text) as { readonly packages: Readonly<Record<string, Entry>> };
  return Object.entries(packages)
    .filter(([path]) => path !== '')
    .map(([path, entry]) => ({
      path,
      name: path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
      version: entry.version ?? '',
      license: entry.license,
      integrity: entry.integrity,
      dev: entry.dev === true || entry.devOptional === true || entry.optional === true,
    }));
}
