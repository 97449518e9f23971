import type { TSchema } from 'typebox';
import { Settings as TypeBox } from 'typebox/system';
import { Value } from 'typebox/value';
import type { ConfigProblem } from '../problems/config-error.ts';
import { nearestName } from '../problems/nearest-name.ts';
import type { YamlFile, YamlPath } from '../sources/yaml-file.ts';
import { printableKey, schemaAt } from './schema-walk.ts';
import { sentenceForKey, sentenceForValue } from './sentences.ts';

/** The checked content of a file: what the schema refused is left out of it and stands in `problems`. */
export interface CheckedContent {
  readonly content: unknown;
  readonly problems: readonly ConfigProblem[];
}

/** Holds a file against a schema and reports everything that is wrong at once, each with line and column. */
export function checkAgainstSchema(file: YamlFile, schema: TSchema): CheckedContent {
  if (file.content === undefined) return { content: {}, problems: [] };
  // TypeBox stops at eight errors unless told otherwise; there is no setting per call.
  TypeBox.Set({ maxErrors: 10_000 });
  const problems = new Map<string, ConfigProblem>();
  const refused = new Set<string>();
  const report = (path: YamlPath, part: 'key' | 'value', message: string): void => {
    const at = pointer(path);
    if (!problems.has(at)) problems.set(at, file.problemAt(path, part, message));
    refused.add(at);
    // What needs a value that was refused is no longer what the schema promises.
    for (let end = path.length - 1; end >= 0; end--) {
      if (!schemaAt(schema, path.slice(0, end))?.required?.includes(path[end] ?? '')) break;
      refused.add(pointer(path.slice(0, end)));
    }
  };
  for (const error of Value.Errors(schema, file.content)) {
    if (error.keyword === 'boolean') continue;
    const path = readPointer(error.instancePath);
    if (error.keyword === 'additionalProperties') {
      for (const key of error.params.additionalProperties) {
        report([...path, key], 'key', unknownKey(schema, path, key));
      }
    } else if (error.keyword === 'required') {
      report(path, 'key', `${dotted(path)} needs ${error.params.requiredProperties.join(' and ')}.`);
    } else {
      const value = valueAt(file.content, path);
      report(path, value === null ? 'key' : 'value', wrongValue(schema, path, value));
    }
  }
  const content = without(file.content, '', refused) ?? {};
  return { content, problems: [...problems.values()].sort(byPosition) };
}

function byPosition(left: ConfigProblem, right: ConfigProblem): number {
  return (left.line ?? 0) - (right.line ?? 0) || (left.column ?? 0) - (right.column ?? 0);
}

/** A path as sentences name it, e.g. `clients.grid-bot.permissions[0]`; keys that are no names are not repeated. */
export function dotted(path: YamlPath): string {
  if (path.length === 0) return 'The file';
  let text = '';
  for (const segment of path) {
    if (/^\d+$/.test(segment) && text !== '') text += `[${segment}]`;
    else text += `${text === '' ? '' : '.'}${printableKey(segment)}`;
  }
  return text;
}

function unknownKey(schema: TSchema, path: YamlPath, key: string): string {
  const name = dotted([...path, key]);
  const parent = schemaAt(schema, path);
  if (parent?.keyErrorMessage !== undefined) return `${name} ${parent.keyErrorMessage}.`;
  const sentence = sentenceForKey(name, key);
  if (sentence !== undefined) return sentence;
  const known = Object.keys(parent?.properties ?? {});
  const nearest = nearestName(key, known);
  const remedy = nearest === undefined ? `known here are ${known.join(', ')}` : `did you mean ${nearest}?`;
  return `${name} is not a known key: ${remedy}${nearest === undefined ? '.' : ''}`;
}

function wrongValue(schema: TSchema, path: YamlPath, value: unknown): string {
  const name = dotted(path);
  if (value === null) return `${name} is empty: give it a value or remove the key.`;
  const special = sentenceForValue(name, path, value);
  return special ?? `${name} ${schemaAt(schema, path)?.errorMessage ?? 'has a wrong value'}.`;
}

function valueAt(content: unknown, path: YamlPath): unknown {
  let value = content;
  for (const segment of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Object.getOwnPropertyDescriptor(value, segment)?.value;
  }
  return value;
}

/** A copy without what was refused, so that the rest can still be looked at. */
function without(value: unknown, at: string, refused: ReadonlySet<string>): unknown {
  if (refused.has(at)) return undefined;
  if (Array.isArray(value)) {
    return value
      .map((member, index) => without(member, `${at}/${index}`, refused))
      .filter((m) => m !== undefined);
  }
  if (typeof value !== 'object' || value === null) return value;
  const kept: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value)) {
    const copy = without(member, `${at}${pointer([key])}`, refused);
    if (copy !== undefined) kept[key] = copy;
  }
  return kept;
}

function pointer(path: YamlPath): string {
  return path.map((segment) => `/${segment.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

function readPointer(text: string): string[] {
  return text
    .split('/')
    .slice(1)
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
}
