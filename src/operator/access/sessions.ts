import { randomBytes } from 'node:crypto';
import type { Operator } from '../../core/access/operator.ts';
import { MINUTE_MS } from '../../core/intervals.ts';

const IDLE_MS = 30 * MINUTE_MS;
const LONGEST_MS = 8 * 60 * MINUTE_MS;
/** Beyond it the one that was idle longest ends. */
const MOST = 100;
const ID_BYTES = 32;

/** The name of the cookie that holds the id of a session. */
export const SESSION_COOKIE = 'operator_session';

interface Session {
  readonly name: string;
  readonly tokenDigest: string;
  readonly startedMs: number;
  usedMs: number;
}

/** Sessions of browsers: a token was exchanged for an id that lives in memory, ends when idle, and after eight hours. */
export class Sessions {
  readonly #sessions = new Map<string, Session>();
  readonly #monotonicNow: () => number;

  constructor(monotonicNow: () => number) {
    this.#monotonicNow = monotonicNow;
  }

  /** Opens a session and returns its id. */
  open({ name, tokenDigest }: Operator): string {
    const nowMs = this.#monotonicNow();
    for (const [id, session] of this.#sessions) if (!isAlive(session, nowMs)) this.#sessions.delete(id);
    if (this.#sessions.size >= MOST) {
      const [longestIdle] = [...this.#sessions].sort(([, one], [, other]) => one.usedMs - other.usedMs);
      if (longestIdle !== undefined) this.#sessions.delete(longestIdle[0]);
    }
    const id = randomBytes(ID_BYTES).toString('base64url');
    this.#sessions.set(id, { name, tokenDigest, startedMs: nowMs, usedMs: nowMs });
    return id;
  }

  /** Whose session it is; undefined when it ended, or when the operator is gone or has another token by now. */
  operatorOf(id: string, operators: ReadonlyMap<string, Operator>): Operator | undefined {
    const session = this.#sessions.get(id);
    if (session === undefined) return undefined;
    const nowMs = this.#monotonicNow();
    const operator = operators.get(session.name);
    if (!isAlive(session, nowMs) || operator?.tokenDigest !== session.tokenDigest) {
      this.#sessions.delete(id);
      return undefined;
    }
    session.usedMs = nowMs;
    return operator;
  }

  /** Whether it has not ended; asking is no use of it. */
  isOpen(id: string): boolean {
    const session = this.#sessions.get(id);
    return session !== undefined && isAlive(session, this.#monotonicNow());
  }

  end(id: string): void {
    this.#sessions.delete(id);
  }
}

function isAlive({ startedMs, usedMs }: Session, nowMs: number): boolean {
  return nowMs - usedMs < IDLE_MS && nowMs - startedMs < LONGEST_MS;
}
