import { Value } from 'typebox/value';
import type { ConfigSources } from '../sources/read-secret.ts';
import type { YamlFile, YamlPath } from '../sources/yaml-file.ts';
import { checkAgainstSchema, dotted } from './check-schema.ts';
import { type ConfigFile, ConfigSchema } from './schema.ts';
import { type SchemaNode, schemaAt } from './schema-walk.ts';
import { VARIABLES } from './variables.ts';

/** The file with the environment laid over it: every value obeys the schema, wrong ones are left out and reported. */
export interface LayeredConfig {
  readonly config: ConfigFile;
  /** Reports what a schema cannot say; `predicate` follows the name of the variable or of the key. */
  report(path: YamlPath, predicate: string, part?: 'key' | 'value'): void;
  /** The keys that the file has there, right or wrong. */
  keysWritten(path: YamlPath): readonly string[];
}

/** Checks file and environment and lays the second over the first; problems are gathered in `sources`. */
export function layerConfig(sources: ConfigSources, file: YamlFile | undefined): LayeredConfig {
  const { env, problems } = sources;
  const checked = file === undefined ? undefined : checkAgainstSchema(file, ConfigSchema);
  problems.push(...(checked?.problems ?? []));
  const config = (checked?.content ?? {}) as Record<string, unknown>;
  const overlaid = new Map<string, string>();
  for (const [variable, path] of VARIABLES) {
    const text = env[variable];
    if (text === undefined || text === '') continue;
    overlaid.set(path.join('.'), variable);
    const schema = schemaAt(ConfigSchema, path);
    const value = readValue(text, schema);
    if (schema !== undefined && Value.Check(schema, value)) assign(config, path, value);
    else {
      const rule = schema?.items?.errorMessage ?? schema?.errorMessage;
      problems.push({ message: `${variable} ${rule ?? 'has a wrong value'}.`, source: variable });
    }
  }
  return {
    config,
    report(path, predicate, part = 'value') {
      const variable = overlaid.get(path.join('.'));
      if (variable !== undefined) problems.push({ message: `${variable} ${predicate}.`, source: variable });
      else if (file === undefined) problems.push({ message: `${dotted(path)} ${predicate}.` });
      else problems.push(file.problemAt(path, part, `${dotted(path)} ${predicate}.`));
    },
    keysWritten(path) {
      let value = file?.content;
      for (const segment of path) value = ownValue(value, segment);
      return typeof value === 'object' && value !== null ? Object.keys(value) : [];
    },
  };
}

function readValue(text: string, schema: SchemaNode | undefined): unknown {
  const isList = schema?.type === 'array' || (schema?.type?.includes('array') && text.includes(','));
  if (isList) {
    const parts = text.split(',').map((part) => part.trim());
    const given = parts.filter((part) => part !== '');
    return schema?.items?.type === 'integer' ? given.map(readWhole) : given;
  }
  return schema?.type === 'integer' ? readWhole(text) : text;
}

function readWhole(text: string): number | undefined {
  return /^\d{1,15}$/.test(text.trim()) ? Number(text) : undefined;
}

function assign(target: Record<string, unknown>, path: YamlPath, value: unknown): void {
  const [name, ...rest] = path;
  if (name === undefined) return;
  if (rest.length === 0) {
    target[name] = value;
    return;
  }
  const nested = (target[name] ?? {}) as Record<string, unknown>;
  target[name] = nested;
  assign(nested, rest, value);
}

function ownValue(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.getOwnPropertyDescriptor(value, name)?.value;
}
