// The last step of "npm ci" in a checkout: says what the system lacks before any command meets it. npm may find the Node
// that it has just installed first, so package.json runs this by npm's own Node as soon as that one does not start.
import { existsSync, lstatSync, symlinkSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { whatKeepsFromStarting } from './needed-libraries.mjs';
import { ownNode } from './own-node.mjs';

const BIN = fileURLToPath(new URL('../node_modules/.bin/', import.meta.url));

const node = ownNode();
if (node !== undefined) {
  const problem = whatKeepsFromStarting(node);
  if (problem === undefined) nameForScripts(node);
  else {
    process.stderr.write(`\n${problem}\nThen run the same command again.\n\n`);
    process.exitCode = 1;
  }
}

/**
 * The scripts of package.json say "node" and mean this one. npm 9 takes the name away again, together with the
 * packages for other machines that have the same one.
 */
function nameForScripts(node) {
  const link = join(BIN, 'node');
  if (process.platform === 'win32' || !existsSync(dirname(link))) return;
  if (lstatSync(link, { throwIfNoEntry: false }) === undefined) symlinkSync(relative(BIN, node), link);
}
