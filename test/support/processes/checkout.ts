import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { folderWith } from '../fixtures/config-folder.ts';

const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));

/** A fresh folder with what a clone would have, and the installed packages of this one. */
export function freshCheckout(): string {
  const folder = folderWith();
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: REPOSITORY,
    encoding: 'utf8',
  });
  for (const path of new Set(listed.split('\0'))) {
    if (path === '' || path === 'node_modules' || !existsSync(join(REPOSITORY, path))) continue;
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    cpSync(join(REPOSITORY, path), join(folder, path));
  }
  symlinkSync(join(REPOSITORY, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

/** The search path of somebody who has not been brought a Node by npm. */
export function pathOfNewcomer(): string {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.filter((folder) => !folder.includes('node_modules')).join(delimiter);
}
