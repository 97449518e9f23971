import { join } from 'node:path';
import { parse } from 'dotenv';
import { ConfigError } from '../problems/config-error.ts';
import type { ConfigFileRole, ConfigFileState } from '../schema/settings.ts';
import { readText } from './read-text.ts';

/** Environment variables by name, as process.env has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The variables of `.env` in `cwd` with the real environment laid over them; nothing is written to process.env. Where
 * the real environment has X_FILE, an X of `.env` does not count, and the other way round.
 * @param files where it is noted that there is a `.env`
 * @throws ConfigError when `.env` exists and cannot be read
 */
export function readEnvironment(
  cwd: string,
  processEnv: Environment,
  files?: Map<ConfigFileRole, ConfigFileState>,
): Record<string, string | undefined> {
  const merged: Record<string, string | undefined> = { ...processEnv };
  const text = readDotenv(cwd);
  const written = Object.entries(parse(text ?? ''));
  if (text !== undefined) files?.set('environment', { name: '.env', isEmpty: written.length === 0 });
  for (const [name, value] of written) {
    const twin = name.endsWith('_FILE') ? name.slice(0, -'_FILE'.length) : `${name}_FILE`;
    if (processEnv[name] === undefined && processEnv[twin] === undefined) merged[name] = value;
  }
  return merged;
}

function readDotenv(cwd: string): string | undefined {
  const reading = readText(join(cwd, '.env'), 'make it a readable file');
  if ('text' in reading) return reading.text;
  if (reading.code === 'ENOENT') return undefined;
  throw new ConfigError([{ message: `.env exists but ${reading.wrong}.`, source: '.env' }]);
}
