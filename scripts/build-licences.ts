import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface BundledPackage {
  readonly name: string;
  /** Its folder. */
  readonly folder: string;
}

interface Manifest {
  readonly version?: string;
  readonly license?: string;
  readonly author?: string | { readonly name?: string };
}

/** What the MIT licence says, for those that name it and bring no file: our own from its second paragraph on. */
const LICENSE = readFileSync(new URL('../LICENSE', import.meta.url), 'utf8');
const MIT = LICENSE.slice(LICENSE.indexOf('Permission is hereby granted')).trim();

/** The package that a module belongs to; undefined for the program's own. */
export function packageOf(moduleId: string): BundledPackage | undefined {
  const [, folder, name] = /^(.*[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+))[\\/]/.exec(moduleId) ?? [];
  if (folder === undefined || name === undefined || moduleId.startsWith('\0')) return undefined;
  return { folder, name: name.replace('\\', '/') };
}

/**
 * Name, version and licence of every package with code among these modules, as their licences ask for it.
 * @throws Error when a package brings none
 */
export function printLicences(moduleIds: readonly string[]): { text: string; packages: number } {
  const folders = new Map(moduleIds.flatMap((id) => packageOf(id) ?? []).map((each) => [each.folder, each]));
  const entries = [...folders.values()].map(printEntry).toSorted();
  const head = 'Parts of these packages are in the files beside this one. Their licences:\n';
  return { text: [head, ...entries].join(`\n${'-'.repeat(80)}\n\n`), packages: entries.length };
}

function printEntry({ name, folder }: BundledPackage): string {
  const { version, license, author } = JSON.parse(
    readFileSync(join(folder, 'package.json'), 'utf8'),
  ) as Manifest;
  if (version === undefined || license === undefined) throw new Error(`${name} does not say its licence`);
  const texts = readdirSync(folder)
    .filter((file) => /^(?:licen[cs]e|copying|notice)/i.test(file))
    .toSorted()
    .map((file) => readFileSync(join(folder, file), 'utf8').replaceAll('\r\n', '\n').trim());
  if (texts.length === 0) {
    const by = typeof author === 'string' ? author : author?.name;
    if (license !== 'MIT' || by === undefined) throw new Error(`${name} brings no licence text`);
    texts.push(`Copyright (c) ${by}`, MIT);
  }
  return `${name} ${version} (${license})\n\n${texts.join('\n\n')}\n`;
}
