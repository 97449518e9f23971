import { readFileSync } from 'node:fs';

/** The script that Redis runs for claims: it stands beside this file. */
export function readClaimsScript(): string {
  return readFileSync(new URL('./claims.lua', import.meta.url), 'utf8');
}
