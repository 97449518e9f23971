import { statSync } from 'node:fs';

/** How often the files are looked at; what has not changed for so long is complete. */
const LOOK_EVERY_MS = 1_500;

/**
 * Tells when secret files were changed. It looks at the files themselves, where their links lead: so it also sees a
 * folder being swapped behind a link, as Kubernetes does it, on every kind of file system. Files that are written one
 * after the other count as one change.
 */
export class SecretWatch {
  readonly #changed: () => void;
  #seen: Map<string, string>;
  #isPending = false;

  /** @param paths files that were read a moment ago: what is changed from now on is told, once the watch has begun */
  constructor(paths: readonly string[], changed: () => void) {
    this.#changed = changed;
    this.#seen = lookAtAll(paths);
  }

  begin(): void {
    setInterval(() => this.#look(), LOOK_EVERY_MS).unref();
  }

  /** From now on these files count, which were read a moment ago. */
  follow(paths: readonly string[]): void {
    this.#seen = lookAtAll(paths);
    this.#isPending = false;
  }

  #look(): void {
    const now = lookAtAll([...this.#seen.keys()]);
    const isQuiet = [...now].every(([path, state]) => this.#seen.get(path) === state);
    this.#seen = now;
    if (!isQuiet) this.#isPending = true;
    // A file that is away is about to be replaced: its coming back is a change as well.
    if (!isQuiet || !this.#isPending || [...now.values()].includes('')) return;
    this.#isPending = false;
    this.#changed();
  }
}

function lookAtAll(paths: readonly string[]): Map<string, string> {
  return new Map(paths.map((path) => [path, stateOf(path)]));
}

/** What tells one content of a file from another without reading it; empty when there is no file. */
function stateOf(path: string): string {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
  } catch {
    return '';
  }
}
