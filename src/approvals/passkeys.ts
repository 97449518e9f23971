import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Passkey } from '../core/approvals/passkey-assertion.ts';
import { DecisionError } from './decision-error.ts';

const FILE = 'passkeys.json';
const MOST_PER_OPERATOR = 10;

/** The passkeys of the operators, in a file of the state folder that only the proxy's user may read. */
export class Passkeys {
  readonly #folder: string | undefined;
  #passkeys: readonly Passkey[] = [];

  /** @throws Error when the file is there and cannot be read */
  constructor(folder: string | undefined) {
    this.#folder = folder;
    if (folder !== undefined) this.#passkeys = readPasskeys(join(folder, FILE));
  }

  of(operator: string): readonly Passkey[] {
    return this.#passkeys.filter((passkey) => passkey.operator === operator);
  }

  /** @throws DecisionError */
  assertRoom(operator: string): void {
    if (this.#folder === undefined)
      throw new DecisionError(409, 'Passkeys are kept in the state folder: set BINANCE_PROXY_STATE_DIR.');
    if (this.of(operator).length >= MOST_PER_OPERATOR)
      throw new DecisionError(409, `An operator has at most ${MOST_PER_OPERATOR} passkeys.`);
  }

  /** @throws DecisionError; an error of the file system: it is not kept then */
  add(passkey: Passkey, record: (passkey: Passkey) => void): void {
    this.assertRoom(passkey.operator);
    if (this.#passkeys.some(({ credentialId }) => credentialId === passkey.credentialId))
      throw new DecisionError(409, 'This passkey is known already.');
    record(passkey);
    const passkeys = [...this.#passkeys, passkey];
    if (this.#folder !== undefined) writePasskeys(join(this.#folder, FILE), passkeys);
    this.#passkeys = passkeys;
  }
}

function readPasskeys(path: string): readonly Passkey[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  const { passkeys } = JSON.parse(text) as { readonly passkeys: readonly Passkey[] };
  if (!Array.isArray(passkeys)) throw new Error(`${path} holds no passkeys`);
  return passkeys;
}

/** In one step: a file that is half written would lock its operators out. */
function writePasskeys(path: string, passkeys: readonly Passkey[]): void {
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  const fd = openSync(draft, 'wx', 0o600);
  try {
    writeSync(fd, `${JSON.stringify({ passkeys }, undefined, 2)}\n`);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(draft, path);
}
