import { readdirSync, readFileSync } from 'node:fs';

/** A file of the catalogue as it stands on disk. */
export interface CatalogueText {
  readonly name: string;
  readonly text: string;
}

/** The catalogue's files by their names; the single executable has them within it. */
export function readCatalogueTexts(
  directory: URL = new URL('../../config/catalogue/', import.meta.url),
): readonly CatalogueText[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith('.json'))
    .toSorted()
    .map((name) => ({ name, text: readFileSync(new URL(name, directory), 'utf8') }));
}
