import { join } from 'node:path';
import { editDotenv, type VariableEdits } from '../files/edit-dotenv.ts';
import { readFileIfThere } from '../files/read-file.ts';
import { lookAt, replaceFile } from '../files/safe-file.ts';
import type { PairVariables } from './client-names.ts';
import type { ConfiguredClient } from './configured-clients.ts';

const DOTENV_MODE = 0o600;

/** A part of what a client proves itself with. */
export type PairPart = keyof PairVariables;

/** The files that a change will write, each with its new text. */
export interface PlannedFiles {
  readonly files: ReadonlyMap<string, { readonly text: string; readonly mode: number | undefined }>;
  /** Where a part comes from that no command can change. */
  readonly elsewhere: readonly PairPart[];
}

/**
 * Plans new values for the parts of a client's pair, wherever they stand; undefined takes a part out of `.env`.
 * @throws UnsafeFileError when a file must not be written; nothing was written then
 */
export function planPair(
  cwd: string,
  configured: ConfiguredClient,
  values: Readonly<Partial<Record<PairPart, string | undefined>>>,
): PlannedFiles {
  const edits = new Map<string, string | undefined>();
  const files = new Map<string, { text: string; mode: number | undefined }>();
  const elsewhere: PairPart[] = [];
  for (const part of Object.keys(values) as PairPart[]) {
    const source = configured[part];
    const value = values[part];
    if (source.kind === 'line') edits.set(configured.variables[part], value);
    if (source.kind === 'elsewhere') elsewhere.push(part);
    if (source.kind !== 'file') continue;
    // A file of its own keeps its mode: who may read it was decided where it was made.
    if (value !== undefined) files.set(source.path, { text: `${value}\n`, mode: undefined });
    else edits.set(`${configured.variables[part]}_FILE`, undefined);
  }
  planDotenv(cwd, edits, files);
  for (const path of files.keys()) lookAt(cwd, path);
  return { files, elsewhere };
}

/** Writes what was planned, and returns the names of the files. */
export function writePlanned(cwd: string, { files }: PlannedFiles): readonly string[] {
  for (const [path, { text, mode }] of files) replaceFile(cwd, path, text, mode);
  return [...files.keys()];
}

function planDotenv(
  cwd: string,
  edits: VariableEdits,
  files: Map<string, { text: string; mode: number | undefined }>,
): void {
  const path = join(cwd, '.env');
  const text = readFileIfThere(path);
  if (edits.size === 0 || text === undefined) return;
  const edited = editDotenv(text, edits);
  if (edited !== text) files.set(path, { text: edited, mode: DOTENV_MODE });
}
