import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { ConfigError, type ConfigProblem } from '../../src/config/config-error.ts';
import { loadSettings } from '../../src/config/load-settings.ts';

export type Variables = Readonly<Record<string, string | undefined>>;
export type Files = Readonly<Record<string, string>>;

/** The least that a configuration needs. */
export const ACCOUNT: Variables = { BINANCE_API_KEY: 'account-key', BINANCE_API_SECRET: 'account-secret' };

/** A folder with these files, gone when the test ends. */
export function folderWith(files: Files = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'proxy-config-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

/** The problems of a configuration; none when it loads. */
export function problemsOf(env: Variables, files: Files = {}): readonly ConfigProblem[] {
  return problemsIn(folderWith(files), env);
}

export function problemsIn(cwd: string, env: Variables): readonly ConfigProblem[] {
  try {
    loadSettings({ env, cwd });
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

export function messagesOf(env: Variables, files: Files = {}): readonly string[] {
  return problemsOf(env, files).map(({ message }) => message);
}
