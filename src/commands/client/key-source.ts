import { join, resolve } from 'node:path';
import { parse } from 'dotenv';
import type { Environment } from '../../config/sources/read-environment.ts';
import { readFileIfThere } from '../files/read-file.ts';

/** Where the program finds the value of a secret variable, by the rules of docs/configuration.md. */
export type KeySource =
  | { readonly kind: 'none' }
  /** A line of `.env`. */
  | { readonly kind: 'line' }
  /** A file that a variable names. */
  | { readonly kind: 'file'; readonly path: string }
  /** Where no command can change it; `where` is the end of a sentence. */
  | { readonly kind: 'elsewhere'; readonly where: string };

/** Finds out where `name` comes from: the environment, `.env`, a file that either names, or systemd's credentials. */
export function sourceOf(name: string, cwd: string, environment: Environment): KeySource {
  const dotenv = parse(readFileIfThere(join(cwd, '.env')) ?? '');
  for (const [variables, isDotenv] of [
    [environment, false],
    [dotenv, true],
  ] as const) {
    const file = variables[`${name}_FILE`];
    if (variables[name]) {
      return isDotenv ? { kind: 'line' } : { kind: 'elsewhere', where: `the environment (${name})` };
    }
    if (file) return { kind: 'file', path: resolve(cwd, file) };
  }
  const folder = environment.CREDENTIALS_DIRECTORY;
  if (folder && readFileIfThere(join(folder, name)) !== undefined)
    return { kind: 'elsewhere', where: `the credentials of the service (${name})` };
  return { kind: 'none' };
}

/** The same in a few words, for a table. */
export function describeSource(source: KeySource): string {
  switch (source.kind) {
    case 'none':
      return 'none';
    case 'line':
      return 'in .env';
    case 'file':
      return 'in a file';
    case 'elsewhere':
      return 'in the environment';
  }
}
