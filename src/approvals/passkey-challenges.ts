import { randomBytes } from 'node:crypto';
import {
  assertionProblem,
  decisionChallenge,
  enrolmentChallenge,
  enrolmentProblem,
  type Passkey,
  type PasskeyAssertion,
} from '../core/approvals/passkey-assertion.ts';
import { MINUTE_MS } from '../core/intervals.ts';
import type { PasskeySaid } from '../core/records/approval-said.ts';
import type { Ticket } from './approval-ticket.ts';
import { DecisionError } from './decision-error.ts';
import type { Passkeys } from './passkeys.ts';

/** What a passkey is asked to sign. */
interface Open {
  readonly operator: string;
  readonly challenge: Buffer;
  readonly endMs: number;
  /** The ticket and the answer that it stands for; undefined for an enrolment. */
  readonly about: { readonly id: string; readonly decision: 'approve' | 'deny' } | undefined;
}

/** What the page hands to `navigator.credentials`. Texts are base64url. */
export interface PasskeyChallenge {
  readonly nonce: string;
  readonly challenge: string;
  /** ms since the epoch. */
  readonly endMs: number;
  readonly origin: string;
  readonly rpId: string;
  readonly credentialIds: readonly string[];
}

/** An assertion with the nonce of the challenge that it answers. */
export interface AnsweredChallenge extends PasskeyAssertion {
  readonly nonce: string;
}

/** A new passkey as the page hands it over. Texts are base64url. */
export interface NewPasskey {
  readonly nonce: string;
  readonly credentialId: string;
  readonly publicKey: string;
  readonly algorithm: number;
  readonly clientDataJSON: string;
  readonly authenticatorData: string;
}

const ANSWER_WITHIN_MS = 2 * MINUTE_MS;
const MOST_OPEN_PER_OPERATOR = 20;

export interface PasskeyChallengesDeps {
  readonly passkeys: Passkeys;
  /** The address of the operators' page. */
  readonly origin: () => string;
  readonly wallNow: () => number;
}

/** Questions to passkeys: each is of one operator, about one thing, and answered once and soon. */
export class PasskeyChallenges {
  readonly #deps: PasskeyChallengesDeps;
  readonly #open = new Map<string, Open>();

  constructor(deps: PasskeyChallengesDeps) {
    this.#deps = deps;
  }

  /** @throws DecisionError */
  forEnrolment(operator: string): PasskeyChallenge {
    this.#deps.passkeys.assertRoom(operator);
    return this.#ask(operator, (nonce, endMs) => enrolmentChallenge(operator, nonce, endMs), undefined);
  }

  forDecision(operator: string, { id, ask }: Ticket, decision: 'approve' | 'deny'): PasskeyChallenge {
    const make = (nonce: string, endMs: number) =>
      decisionChallenge({ approval: id, nonce, digest: ask.digest, decision, endMs });
    return this.#ask(operator, make, { id, decision });
  }

  /**
   * Takes a new passkey, once it is recorded.
   * @throws DecisionError; whatever `record` throws
   */
  enrol(operator: string, { nonce, ...made }: NewPasskey, record: (passkey: Passkey) => void): void {
    const { challenge } = this.#take(operator, nonce, undefined);
    const { credentialId, publicKey, algorithm } = made;
    const passkey: Passkey = { credentialId, operator, publicKey, algorithm };
    const problem = enrolmentProblem(passkey, made, { origin: this.#deps.origin(), challenge });
    if (problem !== undefined) throw new DecisionError(403, `The passkey is not taken: ${problem}.`);
    this.#deps.passkeys.add(passkey, record);
  }

  /**
   * Verifies that the operator's passkey stands for this decision.
   * @throws DecisionError
   */
  verify(
    operator: string,
    { id }: Ticket,
    decision: 'approve' | 'deny',
    answer: AnsweredChallenge,
  ): PasskeySaid {
    const { challenge, endMs } = this.#take(operator, answer.nonce, { id, decision });
    const passkey = this.#deps.passkeys
      .of(operator)
      .find(({ credentialId }) => credentialId === answer.credentialId);
    if (passkey === undefined) throw new DecisionError(403, 'The passkey is not one of this operator.');
    const origin = this.#deps.origin();
    const problem = assertionProblem(answer, passkey, { origin, challenge });
    if (problem !== undefined)
      throw new DecisionError(403, `The passkey does not stand for this decision: ${problem}.`);
    const { publicKey, algorithm } = passkey;
    const { nonce, credentialId, clientDataJSON, authenticatorData, signature } = answer;
    return {
      credentialId,
      publicKey,
      algorithm,
      origin,
      nonce,
      endMs,
      clientDataJSON,
      authenticatorData,
      signature,
    };
  }

  #ask(
    operator: string,
    make: (nonce: string, endMs: number) => Buffer,
    about: Open['about'],
  ): PasskeyChallenge {
    const { origin, wallNow, passkeys } = this.#deps;
    const nonce = randomBytes(32).toString('hex');
    const endMs = wallNow() + ANSWER_WITHIN_MS;
    const challenge = make(nonce, endMs);
    this.#makeRoom(operator);
    this.#open.set(nonce, { operator, challenge, endMs, about });
    return {
      nonce,
      challenge: challenge.toString('base64url'),
      endMs,
      origin: origin(),
      rpId: new URL(origin()).hostname,
      credentialIds: passkeys.of(operator).map(({ credentialId }) => credentialId),
    };
  }

  /** @throws DecisionError for a challenge that is not open, over, of another operator or about something else */
  #take(operator: string, nonce: string, about: Open['about']): Open {
    const open = this.#open.get(nonce);
    this.#open.delete(nonce);
    const isThis =
      open !== undefined &&
      open.operator === operator &&
      open.endMs > this.#deps.wallNow() &&
      open.about?.id === about?.id &&
      open.about?.decision === about?.decision;
    if (!isThis)
      throw new DecisionError(403, 'The challenge is not open any more, or is about something else.');
    return open;
  }

  #makeRoom(operator: string): void {
    const nowMs = this.#deps.wallNow();
    for (const [nonce, { endMs }] of this.#open) if (endMs <= nowMs) this.#open.delete(nonce);
    const own = [...this.#open].filter(([, open]) => open.operator === operator);
    const tooMany = own.slice(0, Math.max(0, own.length - MOST_OPEN_PER_OPERATOR + 1));
    for (const [nonce] of tooMany) this.#open.delete(nonce);
  }
}
