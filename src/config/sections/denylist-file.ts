import Type, { type Static } from 'typebox';
import { type DenylistEntry, patternProblem } from '../../core/catalogue/denylist.ts';
import type { ConfigProblem } from '../problems/config-error.ts';
import { checkAgainstSchema } from '../schema/check-schema.ts';
import { mapping, text } from '../schema/parts/schema-parts.ts';
import type { YamlFile } from '../sources/yaml-file.ts';

const DenylistSchema = mapping(
  {
    deny: Type.Array(
      mapping(
        {
          path: text('^/', 'must be a path such as /sapi/v1/asset/transfer'),
          reason: text(
            '^[^\\u0000-\\u001f\\u007f]{1,200}$',
            'must say in one line of up to 200 characters why',
          ),
        },
        'A path that no client may call.',
      ),
      { errorMessage: 'must be a list of entries, each with path and reason' },
    ),
  },
  'What is denied in addition to the built-in denylist.',
);

/** Reads an operator's denylist file; problems are gathered with line and column. */
export function readDenylist(file: YamlFile, problems: ConfigProblem[]): readonly DenylistEntry[] {
  const checked = checkAgainstSchema(file, DenylistSchema);
  problems.push(...checked.problems);
  if (checked.problems.length > 0) return [];
  const { deny = [] } = checked.content as Partial<Static<typeof DenylistSchema>>;
  for (const [index, { path }] of deny.entries()) {
    const problem = patternProblem(path);
    if (problem === undefined) continue;
    problems.push(
      file.problemAt(
        ['deny', String(index), 'path'],
        'value',
        `deny[${index}].path never matches: ${problem}.`,
      ),
    );
  }
  return deny;
}
