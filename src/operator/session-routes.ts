import type { FastifyInstance } from 'fastify';
import type { Settings } from '../config/schema/settings.ts';
import { OperatorError } from './access/operator-error.ts';
import { actingOn, sessionIdOf, type TokenJudge } from './access/operator-gate.ts';
import { SESSION_COOKIE, type Sessions } from './access/sessions.ts';
import type { OperatorRecords } from './operator-records.ts';

export interface SessionRoutesDeps {
  readonly settings: () => Settings;
  readonly sessions: Sessions;
  readonly judgeToken: TokenJudge;
  readonly records: OperatorRecords;
}

/** Browsers exchange a token for a session, and end it. */
export function addSessionRoutes(app: FastifyInstance, deps: SessionRoutesDeps): void {
  const { settings, sessions, judgeToken, records } = deps;
  const cookie = (value: string, further: string) =>
    [
      `${SESSION_COOKIE}=${value}`,
      'Path=/',
      'HttpOnly',
      'SameSite=Strict',
      ...(settings().operator.origin?.startsWith('https:') === true ? ['Secure'] : []),
      further,
    ].join('; ');

  app.post('/operator/session', { config: { isOpen: true } }, async (request, reply) => {
    const { token } = Object(request.body) as { readonly token?: unknown };
    if (settings().operators.size === 0) throw new OperatorError(404, 'No operator is configured.');
    if (typeof token !== 'string') throw new OperatorError(400, 'A JSON object with the token is needed.');
    const operator = await judgeToken(request, token);
    const id = sessions.open(operator);
    records.acted({ operator, channel: 'session' }, 'session opened');
    reply.header('set-cookie', cookie(id, 'Max-Age=28800'));
    return { operator: operator.name, passkeyRequired: operator.passkeyRequired };
  });

  app.delete('/operator/session', (request, reply) => {
    const acting = actingOn(request);
    sessions.end(sessionIdOf(request) ?? '');
    records.acted(acting, 'session ended');
    reply.header('set-cookie', cookie('', 'Max-Age=0'));
    return { ended: true };
  });
}
