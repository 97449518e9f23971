import { createHash } from 'node:crypto';
import type { ConfigProblem } from '../problems/config-error.ts';
import type { Secret } from '../sources/read-secret.ts';

/** Finds secrets that are set twice; remembers digests only. */
export interface RepeatedSecrets {
  /** Notes a secret; reports it when another variable holds the same, with `remedy` as the end of the sentence. */
  note(secret: Secret, remedy: string): void;
  /** Notes a secret that may stand several times among its own kind, so that no other kind holds it too. */
  allow(secret: Secret): void;
}

/** Begins a search for repeated secrets that gathers its problems in `problems`. */
export function findRepeatedSecrets(problems: ConfigProblem[]): RepeatedSecrets {
  const variables = new Map<string, string>();
  return {
    allow({ text, variable }) {
      variables.set(sha256(text), variable);
    },
    note({ text, variable }, remedy) {
      const digest = sha256(text);
      const other = variables.get(digest);
      if (other === undefined) variables.set(digest, variable);
      else problems.push({ message: `${variable} holds the same as ${other}: ${remedy}.`, source: variable });
    },
  };
}

/** SHA-256 in hex. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
