import { resolve } from 'node:path';
import type { ConfigSources } from './read-secret.ts';
import { readText } from './read-text.ts';
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
  const reading = readText(resolve(sources.cwd, name), 'a readable YAML file is needed there');
  if ('text' in reading) return parseYamlFile(name, reading.text, sources.problems);
  if (path === undefined && reading.code === 'ENOENT') return undefined;
  refuse(`${path === undefined ? '' : `names ${shown(path)}a file that `}${reading.wrong}`);
  return undefined;
}

/** What does not end like a YAML file may be anything, a secret too, and is not repeated. */
function shown(path: string): string {
  return /^[\w./ -]{1,200}\.ya?ml$/.test(path) && path.includes('/') ? `${path}, ` : '';
}
