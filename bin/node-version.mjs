import * as nodeModule from 'node:module';
import { fileURLToPath } from 'node:url';

const NEEDED = [26, 10];

/** Starts the program, or says in one sentence that this Node is too old. */
export async function main() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < NEEDED[0] || (major === NEEDED[0] && minor < NEEDED[1])) {
    process.stderr.write(
      `binance-signing-proxy needs Node ${NEEDED.join('.')} or later, this is ${process.versions.node}: ` +
        'run it through npm (npm start, npm run demo), which brings its own Node with "npm ci".\n',
    );
    process.exitCode = 1;
    return;
  }
  // Beside the program and never in a folder that others can write: what stands there is run with the keys at hand.
  nodeModule.enableCompileCache?.(
    fileURLToPath(new URL('../node_modules/.cache/binance-signing-proxy', import.meta.url)),
  );
  await import('../src/main.ts');
}
