import type { SocketFamily } from '../../../core/upstream.ts';

/** What is watched over of an account. */
export interface AccountWatch {
  /** What the variables of its key begin with. */
  readonly envPrefix: string;
  /** From so many days on its key is called old. */
  readonly keyMaxAgeDays: number;
  /** The products whose orders are watched. */
  readonly streams: readonly SocketFamily[];
  /** What a foreign order does beside being told. */
  readonly onForeign: 'tell' | 'cancel-only';
}

/** True where the orders of any account are watched. */
export function isAnyWatched(watches: ReadonlyMap<string, AccountWatch>): boolean {
  return [...watches.values()].some(({ streams }) => streams.length > 0);
}
