import type { FastifyInstance } from 'fastify';
import type { EnterRequest } from '../stops/entered.ts';
import { StopError, type StopProblem } from '../stops/stop-error.ts';
import type { Stops } from '../stops/stops.ts';
import { CANCEL_MODES, type Scope, TRADING_STATES, WHOLE_PROXY } from '../stops/trading-state.ts';
import { OperatorError } from './access/operator-error.ts';
import { actingOn } from './access/operator-gate.ts';

export interface StateRoutesDeps {
  readonly stops: Pick<Stops, 'enter' | 'list' | 'cancelling'>;
}

type Wish = Omit<EnterRequest, 'operator' | 'channel'>;

const STATUS: Readonly<Record<StopProblem, number>> = {
  'unknown-name': 404,
  'no-reason': 400,
  'not-shared': 503,
  'not-kept': 503,
};
const NAMED = ['account', 'client', 'symbol'] as const;
const MEMBERS: readonly string[] = ['state', 'reason', 'cancel', ...NAMED];
const LONGEST_REASON = 200;

/** Operators see the states and set them. */
export function addStateRoutes(app: FastifyInstance, { stops }: StateRoutesDeps): void {
  app.get('/operator/state', () => ({ states: stops.list(), cancelling: stops.cancelling() }));
  app.post('/operator/states', async (request) => {
    const { operator, channel } = actingOn(request);
    const wish = readWish(request.body);
    try {
      return await stops.enter({ ...wish, operator: operator.name, channel });
    } catch (error) {
      if (error instanceof StopError) throw new OperatorError(STATUS[error.problem], error.message);
      throw error;
    }
  });
}

/** @throws OperatorError for a wish that cannot be understood */
function readWish(body: unknown): Wish {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw wrong('A JSON object with state and reason is needed.');
  const stray = Object.keys(body).find((name) => !MEMBERS.includes(name));
  if (stray !== undefined) throw wrong(`A member is unknown; there are ${MEMBERS.join(', ')}.`);
  const { state, reason, cancel = 'own', ...names } = body as Readonly<Record<string, unknown>>;
  const known = TRADING_STATES.find((each) => each === state);
  if (known === undefined) throw wrong(`state has to be one of ${TRADING_STATES.join(', ')}.`);
  const mode = CANCEL_MODES.find((each) => each === cancel);
  if (mode === undefined) throw wrong(`cancel has to be one of ${CANCEL_MODES.join(', ')}.`);
  if (typeof reason !== 'string' || reason.trim() === '' || reason.length > LONGEST_REASON)
    throw wrong(`A reason is needed, of ${LONGEST_REASON} characters at most.`);
  return { state: known, reason: reason.replace(/\p{C}/gu, ' '), cancel: mode, scope: readScope(names) };
}

function readScope(names: Readonly<Record<string, unknown>>): Scope {
  const [kind, more] = NAMED.filter((each) => names[each] !== undefined);
  if (kind === undefined) return WHOLE_PROXY;
  if (more !== undefined) throw wrong('Of account, client and symbol one may be named.');
  const name = names[kind];
  if (typeof name !== 'string' || !/^[^\s\p{C}]{1,64}$/u.test(name)) throw wrong(`${kind} has to be a name.`);
  return { kind, name };
}

function wrong(sentence: string): OperatorError {
  return new OperatorError(400, sentence);
}
