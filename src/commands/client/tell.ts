import { relative } from 'node:path';

/** Says on stderr which files were written, by their names from the working folder. */
export function tellChanged(cwd: string, paths: readonly string[]): void {
  for (const path of paths) {
    const inside = relative(cwd, path);
    console.error(`Changed: ${inside.startsWith('..') ? path : inside}`);
  }
}

/** Says on stderr how a running proxy takes up what was changed. */
export function tellReload(meanwhile: string): void {
  console.error(`A running proxy takes it up with "binance-signing-proxy reload". ${meanwhile}`);
}
