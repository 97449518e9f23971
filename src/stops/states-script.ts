import { readFileSync } from 'node:fs';

/** The script that Redis runs for states: it stands beside this file. */
export function readStatesScript(): string {
  return readFileSync(new URL('./states.lua', import.meta.url), 'utf8');
}
