import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** What Node 26 needs from the system and a small Linux does not have, with the name of its package. */
const LIBRARY = 'libatomic.so.1';
const REMEDY =
  'install it as root, "apt-get install libatomic1" on Debian and Ubuntu, "dnf install libatomic" on Fedora and its kin';

/** Where Linux has its libraries; a file that lies in none of them may still be found by the loader. */
const FOLDERS = ['/lib', '/lib64', '/usr/lib', '/usr/lib64'];

/** Whether all that Node 26 needs lies in the usual places: a look that costs no time at a start. */
export function hasLibraries() {
  if (process.platform !== 'linux') return true;
  const folders = FOLDERS.flatMap((root) => [root, ...foldersByArchitecture(root)]);
  return [LIBRARY, 'libc.so.6'].every((file) => folders.some((folder) => existsSync(join(folder, file))));
}

/** What keeps this Node from starting, in one sentence; undefined when it starts. */
export function whatKeepsFromStarting(node) {
  const { error, status, stderr } = spawnSync(node, ['--version'], { encoding: 'utf8' });
  if (status === 0) return undefined;
  if (stderr?.includes(LIBRARY))
    return `The Node that runs the program needs ${LIBRARY}, and this system does not have it: ${REMEDY}.`;
  const cause = error?.code ?? (stderr?.trim().split('\n')[0] || `exit code ${status}`);
  return `The Node that runs the program (${node}) does not start: ${cause}.`;
}

/** On Debian the folder of each architecture. */
function foldersByArchitecture(root) {
  try {
    const names = readdirSync(root).filter((name) => name.endsWith('-linux-gnu'));
    return names.map((name) => join(root, name));
  } catch {
    return [];
  }
}
