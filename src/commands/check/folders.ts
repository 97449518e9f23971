import { accessSync, constants, statfsSync, statSync } from 'node:fs';
import { AUDIT_LOCK, isLocked, type LockKind, lockedBy, STATE_LOCK } from '../../audit/folder-lock.ts';
import { folderTrouble, type NamedFolder, nearestFolder } from '../../audit/folder-trouble.ts';
import { assertOwnFolder } from '../../audit/own-files.ts';
import type { Settings } from '../../config/schema/settings.ts';
import { type Finding, fine, problem } from './finding.ts';

/** Looks at the folders that a start would use; nothing is made, written or taken. */
export function examineFolders({ audit, stateDir }: Settings, isRunning: boolean): readonly Finding[] {
  return [
    examine('audit folder', 'BINANCE_PROXY_AUDIT_DIR', audit.dir, AUDIT_LOCK, isRunning),
    examine('state folder', 'BINANCE_PROXY_STATE_DIR', stateDir, STATE_LOCK, isRunning),
  ];
}

function examine(
  what: string,
  variable: string,
  folder: string | undefined,
  lock: LockKind,
  isRunning: boolean,
): Finding {
  if (folder === undefined) return fine(what, `none is configured (${variable})`);
  const named: NamedFolder = { folder, what, variable };
  try {
    const stats = statSync(folder, { throwIfNoEntry: false });
    if (stats === undefined) {
      accessSync(nearestFolder(folder), constants.W_OK | constants.X_OK);
      return fine(what, `${folder} will be made by the start`);
    }
    if (!stats.isDirectory()) throw Object.assign(new Error('no folder'), { code: 'ENOTDIR' });
    assertOwnFolder(folder, what);
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    if (isLocked(folder, lock)) {
      if (!isRunning) return problem(what, lockedBy(folder, lock).message);
      return fine(what, `${folder} is in use by the proxy that runs here`);
    }
    if (statfsSync(folder).bavail === 0) throw Object.assign(new Error('no room'), { code: 'ENOSPC' });
    return fine(what, `${folder} can be written`);
  } catch (error) {
    return problem(what, folderTrouble(named, error));
  }
}
