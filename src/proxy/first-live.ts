import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Settings } from '../config/schema/settings.ts';

/** Its presence in the state folder says that this proxy has served the live exchange before. */
const MARKER = 'has-served-live';

/** What is said once of real money, and at every start where nothing remembers that it was said. */
export function firstTimeLive({ isLive, stateDir }: Settings): readonly string[] {
  if (!isLive) return [];
  const real = "Orders go to Binance's live exchange and move real money";
  if (stateDir === undefined)
    return [
      `${real}: this is said at every start, because no BINANCE_PROXY_STATE_DIR is set that remembers it.`,
    ];
  return isMarked(stateDir)
    ? []
    : [`${real}: it is the first start on it with the state folder ${stateDir}.`];
}

/** Whether the mark was there; it is from now on. A folder that takes none is told of at every start. */
function isMarked(stateDir: string): boolean {
  try {
    writeFileSync(join(stateDir, MARKER), '', { flag: 'wx', mode: 0o600 });
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EEXIST';
  }
}
