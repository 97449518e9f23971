import { readFileSync } from 'node:fs';

/** The script in which Redis counts; it lies beside the program, and in the single executable within it. */
export function readBudgetScript(): string {
  return readFileSync(new URL('./budget.lua', import.meta.url), 'utf8');
}
