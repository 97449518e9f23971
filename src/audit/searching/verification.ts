import type { KeyObject } from 'node:crypto';
import { filesOf, sizeOf, trailsOf } from '../reading/trail-paths.ts';
import { verifySteps } from '../reading/verify-trail.ts';
import { inTurns } from './in-turns.ts';

/** How far the check of the chain has come, and what it found. */
export interface VerificationState {
  readonly state: 'never' | 'running' | 'whole' | 'broken' | 'failed';
  readonly bytes: number;
  readonly totalBytes: number;
  readonly records?: number;
  readonly firstSeq?: number | undefined;
  readonly lastSeq?: number | undefined;
  /** What is wrong first, in words, or why the check came to no end. */
  readonly problem?: string;
  readonly notes?: readonly string[];
}

export interface VerificationOptions {
  readonly folder: string;
  readonly key: KeyObject | undefined;
  readonly firstSeq: number;
}

/** Checks the chain of an audit folder beside everything else, one check at a time. */
export class Verification {
  readonly #monotonicNow: () => number;
  #state: VerificationState = { state: 'never', bytes: 0, totalBytes: 0 };

  constructor(monotonicNow: () => number) {
    this.#monotonicNow = monotonicNow;
  }

  get state(): VerificationState {
    return this.#state;
  }

  /** Begins a check unless one is running; resolves at its end and never rejects. */
  async run({ folder, key, firstSeq }: VerificationOptions): Promise<void> {
    if (this.#state.state === 'running') return;
    try {
      await this.#check(folder, key, firstSeq);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      this.#state = {
        ...this.#state,
        state: 'failed',
        problem: `The files cannot be read (${code ?? 'unknown'}).`,
      };
    }
  }

  async #check(folder: string, key: KeyObject | undefined, firstSeq: number): Promise<void> {
    const [trail] = trailsOf([folder]);
    if (trail === undefined) return;
    const totalBytes = sizeOf(filesOf(trail));
    let bytes = 0;
    const report = () => {
      this.#state = { state: 'running', bytes, totalBytes };
    };
    report();
    const steps = verifySteps(trail, { keys: key === undefined ? [] : [key], firstSeq });
    const verdict = await inTurns(
      steps,
      (read) => {
        bytes += read;
        report();
      },
      this.#monotonicNow,
    );
    const { problem, records, firstSeq: first, lastSeq, notes } = verdict;
    this.#state = {
      state: problem === undefined ? 'whole' : 'broken',
      ...{ bytes, totalBytes, records, firstSeq: first, lastSeq, notes },
      ...(problem === undefined
        ? {}
        : {
            problem: `${problem.file.slice(folder.length + 1) || 'folder'}, line ${problem.line}: ${problem.message}`,
          }),
    };
  }
}
