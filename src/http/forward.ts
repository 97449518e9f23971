import type { FastifyReply, FastifyRequest } from 'fastify';
import { readCall } from '../core/call/call.ts';
import { transmit } from '../pipeline/attempt.ts';
import { authenticate, authorise, nameOrders, recognise } from '../pipeline/authenticate.ts';
import { exchangeOf } from '../pipeline/call-context.ts';
import { conclude, withdraw } from '../pipeline/finish.ts';
import type { Line } from '../pipeline/line.ts';
import { admitOrders, charge } from '../pipeline/reserve.ts';
import { readBody } from './read-body.ts';

/**
 * THE route: authenticate → recognise → decide → budget → stamp and sign → record → send → learn → relay.
 * Whatever refuses throws a ProxyError, which the one error handler answers; nothing is sent before `transmit`.
 */
export function forwardRoute(line: Line) {
  return async function forward(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const exchange = exchangeOf(request);
    try {
      const body = await readBody(request.raw);
      const received = readCall(request.method, request.originalUrl, body);
      const endpoint = recognise(line, exchange, received);
      const client = authenticate(line, exchange, request, received, body);
      authorise(line, exchange, client, endpoint, received);
      const call = nameOrders(exchange, endpoint, received);
      await admitOrders(line, exchange, client, endpoint, call);
      await charge(line, exchange, client, endpoint, call, reply.raw);
      const answer = await transmit(line, exchange, client, endpoint, call, request, reply);
      await conclude(line, exchange, endpoint, answer, reply);
      return reply;
    } catch (error) {
      withdraw(line, exchange);
      throw error;
    }
  };
}
