import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../src/config/problems/config-error.ts';
import { readEnvironment } from '../../../src/config/sources/read-environment.ts';
import { folderWith } from '../../support/fixtures/config-folder.ts';

describe('.env', () => {
  it('The file .env adds to the environment, which wins, and leaves process.env alone', () => {
    const cwd = folderWith({
      '.env': 'DOTENV_TEST_A=file\nDOTENV_TEST_B="two\\nlines"\nDOTENV_TEST_C=$HOME # as it is\n',
    });
    expect(readEnvironment(cwd, { DOTENV_TEST_A: 'real', OTHER: 'x' })).toEqual({
      DOTENV_TEST_A: 'real',
      DOTENV_TEST_B: 'two\nlines',
      DOTENV_TEST_C: '$HOME',
      OTHER: 'x',
    });
    expect(process.env.DOTENV_TEST_B).toBeUndefined();
  });

  it('An empty variable overrules the file .env too', () => {
    expect(readEnvironment(folderWith({ '.env': 'A=file' }), { A: '' })).toEqual({ A: '' });
  });

  it('A secret in the file .env gives way to the other form of the same secret', () => {
    const cwd = folderWith({ '.env': 'A=file\nB_FILE=path\n' });
    expect(readEnvironment(cwd, { A_FILE: 'real', B: 'real' })).toEqual({ A_FILE: 'real', B: 'real' });
  });

  it('The file .env need not exist', () => {
    expect(readEnvironment(folderWith(), { A: 'a' })).toEqual({ A: 'a' });
  });

  it('A file .env that exists must be readable', () => {
    const cwd = folderWith();
    mkdirSync(join(cwd, '.env'));
    expect(() => readEnvironment(cwd, {})).toThrow(ConfigError);
    expect(() => readEnvironment(cwd, {})).toThrow(
      '.env exists but cannot be read (EISDIR): make it a readable file.',
    );
  });
});
