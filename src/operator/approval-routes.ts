import type { FastifyInstance, FastifyRequest } from 'fastify';
import { DecisionError } from '../approvals/decision-error.ts';
import type { Decider, Decision, Decisions } from '../approvals/decisions.ts';
import type { AnsweredChallenge, NewPasskey } from '../approvals/passkey-challenges.ts';
import { OperatorError } from './access/operator-error.ts';
import { actingOn } from './access/operator-gate.ts';

type Body = Readonly<Record<string, unknown>>;

const ID = /^[0-9a-f]{1,64}$/;
const BASE64URL = /^[A-Za-z0-9_-]{1,4096}$/;
const LONGEST_REASON = 200;

/** Operators look at what waits for a yes and decide about it, one by one; nothing is decided by a GET. */
export function addApprovalRoutes(app: FastifyInstance, decisions: Decisions): void {
  app.get('/operator/approvals', () => ({ approvals: decisions.list() }));
  app.get<{ Params: { id: string } }>('/operator/approvals/:id', ({ params }) =>
    told(() => decisions.show(idIn(params.id))),
  );
  app.post<{ Params: { id: string } }>('/operator/approvals/:id', (request) =>
    told(() => decisions.decide(deciderOf(request), idIn(request.params.id), decisionIn(bodyOf(request)))),
  );
  app.post('/operator/passkeys/challenge', (request) => {
    const { approval, decision } = bodyOf(request);
    const decider = deciderOf(request);
    if (approval === undefined) return told(() => decisions.enrolmentChallenge(decider));
    if (decision !== 'approve' && decision !== 'deny') throw wrong('decision is approve or deny');
    return told(() => decisions.challenge(decider, idIn(approval), decision));
  });
  app.post('/operator/passkeys', (request) => {
    told(() => decisions.enrol(deciderOf(request), newPasskeyIn(bodyOf(request))));
    return { enrolled: true };
  });
}

/** @throws OperatorError in the place of what was decided against */
function told<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof DecisionError) throw new OperatorError(error.status, error.message);
    throw error;
  }
}

function deciderOf(request: FastifyRequest): Decider {
  const { operator, channel } = actingOn(request);
  return { operator: operator.name, channel, passkeyRequired: operator.passkeyRequired };
}

function bodyOf({ body }: FastifyRequest): Body {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw wrong('a JSON object is needed');
  return body as Body;
}

function decisionIn({ decision, digest, reason, passkey }: Body): Decision {
  const assertion = passkey === undefined ? undefined : assertionIn(Object(passkey) as Body);
  if (decision === 'approve') {
    if (typeof digest !== 'string')
      throw wrong('digest is needed: at least 8 hex digits of what is approved');
    return { decision, digest, passkey: assertion };
  }
  if (decision !== 'deny') throw wrong('decision is approve or deny');
  if (typeof reason !== 'string' || reason.trim() === '' || reason.length > LONGEST_REASON)
    throw wrong(`a reason is needed, of at most ${LONGEST_REASON} characters`);
  return { decision, reason: reason.trim(), passkey: assertion };
}

function assertionIn(passkey: Body): AnsweredChallenge {
  return {
    nonce: textIn(passkey, 'nonce'),
    credentialId: textIn(passkey, 'credentialId'),
    clientDataJSON: textIn(passkey, 'clientDataJSON'),
    authenticatorData: textIn(passkey, 'authenticatorData'),
    signature: textIn(passkey, 'signature'),
  };
}

function newPasskeyIn(body: Body): NewPasskey {
  const { algorithm } = body;
  if (typeof algorithm !== 'number') throw wrong('algorithm is a number of COSE');
  return {
    nonce: textIn(body, 'nonce'),
    credentialId: textIn(body, 'credentialId'),
    publicKey: textIn(body, 'publicKey'),
    algorithm,
    clientDataJSON: textIn(body, 'clientDataJSON'),
    authenticatorData: textIn(body, 'authenticatorData'),
  };
}

function textIn(body: Body, name: string): string {
  const text = body[name];
  if (typeof text !== 'string' || !BASE64URL.test(text)) throw wrong(`${name} is needed, in base64url`);
  return text;
}

function idIn(id: unknown): string {
  if (typeof id !== 'string' || !ID.test(id))
    throw new OperatorError(404, 'There is no approval with this id.');
  return id;
}

function wrong(what: string): OperatorError {
  return new OperatorError(400, `This cannot be done: ${what}.`);
}
