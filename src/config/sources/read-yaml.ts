import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ConfigSources } from './read-secret.ts';
import { parseYamlFile, type YamlFile } from './yaml-file.ts';

/**
 * Reads and parses a YAML file. Without a configured `path` the usual one is read when it exists.
 * Returns undefined when there is none or when it cannot be read, which is reported by `refuse`.
 */
export function readYamlFile(
  sources: ConfigSources,
  path: string | undefined,
  usualPath: string,
  refuse: (wrong: string) => void,
): YamlFile | undefined {
  const name = path ?? usualPath;
  let text: string;
  try {
    text = readFileSync(resolve(sources.cwd, name), 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    if (path === undefined && code === 'ENOENT') return undefined;
    refuse(
      `${path === undefined ? '' : 'names a file that '}cannot be read (${code}): a readable YAML file is needed there`,
    );
    return undefined;
  }
  return parseYamlFile(name, text, sources.problems);
}
