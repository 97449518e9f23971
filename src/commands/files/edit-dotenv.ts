import { parse } from 'dotenv';
import { UnsafeFileError } from './safe-file.ts';

/** What becomes of variables: a text is their new value, undefined takes them out. */
export type VariableEdits = ReadonlyMap<string, string | undefined>;

/**
 * Changes variables of a `.env` text and leaves every other byte of it alone. A variable that stands there twice, of
 * which the last one counts, stands there once afterwards; one that is new comes at the end.
 * @throws UnsafeFileError when the text is written in a way that only a person can change
 */
export function editDotenv(text: string, edits: VariableEdits): string {
  let edited = text;
  for (const [name, value] of edits) edited = editOne(edited, name, value);
  assertMeant(text, edited, edits);
  return edited;
}

function editOne(text: string, name: string, value: string | undefined): string {
  const line = new RegExp(String.raw`^[ \t]*(?:export[ \t]+)?${name}[ \t]*[=:].*(?:\r?\n|$)`, 'gm');
  const places = [...text.matchAll(line)];
  const wanted = value === undefined ? '' : `${name}=${value}\n`;
  let edited = text;
  for (const [index, place] of places.toReversed().entries()) {
    const end = place.index + place[0].length;
    edited = edited.slice(0, place.index) + (index === 0 ? wanted : '') + edited.slice(end);
  }
  if (places.length > 0 || value === undefined) return edited;
  return `${edited}${edited === '' || edited.endsWith('\n') ? '' : '\n'}${wanted}`;
}

/** What is read from the new text has to be what was read from the old one, but for what was meant to change. */
function assertMeant(before: string, after: string, edits: VariableEdits): void {
  const expected: Record<string, string> = { ...parse(before) };
  for (const [name, value] of edits) {
    if (value === undefined) delete expected[name];
    else expected[name] = value;
  }
  const now = parse(after);
  const names = new Set([...Object.keys(expected), ...Object.keys(now)]);
  if ([...names].every((name) => now[name] === expected[name])) return;
  const meant = [...edits.keys()].join(', ');
  throw new UnsafeFileError(`.env is written in a way that only you can change: edit ${meant} by hand.`);
}
