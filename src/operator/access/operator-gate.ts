import { hash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ActingOperator, Operator } from '../../core/access/operator.ts';
import { limitGuessing } from '../../http/guessing/limit-guessing.ts';
import { OperatorError } from './operator-error.ts';
import { SESSION_COOKIE, type Sessions } from './sessions.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who acts; undefined on what is open to everybody. */
    acting: ActingOperator | undefined;
  }
  interface FastifyContextConfig {
    /** Served without a token. */
    readonly isOpen?: boolean;
  }
}

const WRONG_TOKENS_PER_MINUTE = 5;
const BEARER = /^Bearer +([\x21-\x7e]{1,512})$/i;
const READING = ['GET', 'HEAD'];

export interface OperatorGateDeps {
  readonly operators: () => ReadonlyMap<string, Operator>;
  readonly sessions: Sessions;
  /** Told of each wrong token that was not one too many. */
  readonly onWrongToken: (request: FastifyRequest) => void;
}

/**
 * Finds whose token it is, and slows down guessing; over bearer tokens and logins together. It throws OperatorError: 401
 * for a wrong token, 429 after too many from the same address.
 */
export type TokenJudge = (request: FastifyRequest, token: string) => Promise<Operator>;

/**
 * Lets nobody through without a token or a session but where a route says that it is open; what does not exist is
 * refused in the same way, so that nobody learns what does.
 */
export async function guardOperatorRoutes(app: FastifyInstance, deps: OperatorGateDeps): Promise<TokenJudge> {
  const { operators, sessions, onWrongToken } = deps;
  const countWrong = await limitGuessing(app, WRONG_TOKENS_PER_MINUTE);

  async function judgeToken(request: FastifyRequest, token: string): Promise<Operator> {
    const operator = ownerOf(token, operators());
    if (operator !== undefined) return operator;
    const waitSeconds = await countWrong(request);
    if (waitSeconds !== undefined)
      throw new OperatorError(429, 'Too many wrong tokens from this address.', waitSeconds);
    onWrongToken(request);
    throw new OperatorError(401, 'No operator has this token.');
  }

  app.decorateRequest('acting', undefined);
  app.addHook('onRequest', async (request) => {
    if (request.routeOptions.config.isOpen === true) return;
    if (operators().size === 0) throw new OperatorError(404, HOW_TO_BECOME_ONE);
    const token = BEARER.exec(request.headers.authorization ?? '')?.[1];
    if (token !== undefined) {
      const operator = await judgeToken(request, token);
      const claimed = request.headers['x-proxy-operator'];
      if (claimed !== undefined && claimed !== operator.name)
        throw new OperatorError(401, 'The token is not the one of the operator that was named.');
      request.acting = { operator, channel: 'token' };
      return;
    }
    const operator = sessions.operatorOf(sessionIdOf(request) ?? '', operators());
    if (operator === undefined)
      throw new OperatorError(401, 'An operator’s token is needed: send it as Authorization: Bearer.');
    // A cookie comes by itself: what changes something has to come from the page.
    if (!READING.includes(request.method) && request.headers.origin === undefined)
      throw new OperatorError(403, 'A session acts from its own page only.');
    request.acting = { operator, channel: 'session' };
  });
  return judgeToken;
}

/** What is told while there is no operator. */
export const HOW_TO_BECOME_ONE =
  'No operator is configured: `operator new NAME` prints a token and what goes into the configuration.';

/** The id of the session that a request names. */
export function sessionIdOf({ headers }: FastifyRequest): string | undefined {
  for (const pair of (headers.cookie ?? '').split(';')) {
    const [name, value] = pair.trim().split('=');
    if (name === SESSION_COOKIE) return value;
  }
  return undefined;
}

/** Who acts on a route that is not open. */
export function actingOn({ acting }: FastifyRequest): ActingOperator {
  if (acting === undefined) throw new Error('a guarded route without its operator');
  return acting;
}

/** Compares with every operator, in the same time whoever it is. */
function ownerOf(token: string, operators: ReadonlyMap<string, Operator>): Operator | undefined {
  const digest = Buffer.from(hash('sha256', token), 'hex');
  let owner: Operator | undefined;
  for (const operator of operators.values()) {
    if (timingSafeEqual(digest, Buffer.from(operator.tokenDigest, 'hex'))) owner = operator;
  }
  return owner;
}
