import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Client } from '../core/access/client.ts';
import type { Call } from '../core/call/call.ts';
import { upHeaders } from '../core/call/headers.ts';
import type { Endpoint } from '../core/catalogue/endpoint.ts';
import { ProxyError } from '../core/errors.ts';
import { changesNothing } from '../core/outcome/outcome-tables.ts';
import { plainCall, recvWindowFor, signCall, type WireRequest } from '../core/signing/sign-call.ts';
import { Relay } from '../http/relay.ts';
import { writeHead } from '../http/write-head.ts';
import type { Exchange } from './call-context.ts';
import type { Line } from './line.ts';
import { type Answer, readAnswer } from './read-answer.ts';
import { charge, learn, release } from './reserve.ts';

/**
 * Stamp and sign, record, send, and wait for the end. What is certain not to have been executed may go once more: a
 * GET on a dead connection, any call on a connection that died before a byte was written, and whatever Binance refused
 * for its timestamp, with a newly measured clock. Each sending is charged and recorded by itself.
 * @throws ProxyError PROXY_UPSTREAM_UNREACHABLE, PROXY_AUDIT_UNAVAILABLE, PROXY_NOT_READY when nothing was sent
 */
export async function transmit(
  line: Line,
  exchange: Exchange,
  client: Client,
  endpoint: Endpoint,
  call: Call,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<Answer> {
  if (reply.raw.destroyed) {
    throw new ProxyError('PROXY_STALE_REQUEST', 'The client hung up before its call was sent.', {
      rule: 'client hung up',
    });
  }
  exchange.leave = line.underWay.begin(endpoint.upstream);
  const first = await sendOnce(line, exchange, endpoint, call, request, reply);
  if (!mayGoOnceMore(endpoint, first) || reply.raw.destroyed) return first;
  learn(line, exchange, first);
  try {
    if (first.verdict.retry === 'restamp') await line.clock.resync();
    await charge(line, exchange, client, endpoint, call, reply.raw);
    const second = await sendOnce(line, exchange, endpoint, call, request, reply);
    if (first.verdict.outcome !== 'unknown' || second.verdict.outcome !== 'not-sent') return second;
    // The first sending did leave this machine: that the second did not is no reason to deny it.
    learn(line, exchange, second);
    return first;
  } catch {
    release(line, exchange);
    return first;
  }
}

function mayGoOnceMore(endpoint: Endpoint, answer: Answer): boolean {
  if (answer.ending.streaming) return false;
  if (answer.verdict.retry === 'restamp') return endpoint.security === 'SIGNED';
  return answer.verdict.retry === 'once';
}

async function sendOnce(
  line: Line,
  exchange: Exchange,
  endpoint: Endpoint,
  call: Call,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<Answer> {
  const pool = exchange.snapshot.pools.get(endpoint.upstream);
  if (pool === undefined) throw new Error('a call without its upstream');
  const startMs = line.monotonicNow();
  const wire = toWire(line, exchange, endpoint, call);
  exchange.signMs = line.monotonicNow() - startMs;
  if (endpoint.security === 'SIGNED') await line.recorder.commitSigned(exchange);
  const isRead = endpoint.method === 'GET' && changesNothing(endpoint.method, endpoint.path);
  const relay = new Relay(reply.raw, {
    holdAll: !isRead,
    writeHead: (status, headers) => writeHead(exchange, reply, status, headers, 'answered'),
    slowReaderMs: line.timeouts.slowReaderMs,
  });
  const giveUp = () => relay.abort();
  if (isRead) reply.raw.once('close', giveUp);
  if (isRead && reply.raw.destroyed) giveUp();
  const apiKey = endpoint.security === 'NONE' ? undefined : credentialOf(exchange).apiKey;
  const { method } = endpoint;
  const headers = upHeaders(request.raw.headers, apiKey, wire.body !== undefined);
  const wasSent = exchange.sent === true;
  exchange.sent = true;
  const sentMs = line.monotonicNow();
  pool.dispatch({ method, path: wire.target, headers, body: wire.body ?? null }, relay);
  const ending = await relay.ended;
  reply.raw.off('close', giveUp);
  exchange.upstreamMs = (exchange.upstreamMs ?? 0) + line.monotonicNow() - sentMs;
  const answer = readAnswer(endpoint, ending);
  exchange.sent = wasSent || answer.verdict.outcome !== 'not-sent';
  return answer;
}

function toWire(line: Line, exchange: Exchange, endpoint: Endpoint, call: Call): WireRequest {
  if (endpoint.security !== 'SIGNED') return plainCall(call);
  const timestampMs = line.clock.now();
  if (timestampMs === undefined) {
    throw new ProxyError('PROXY_NOT_READY', 'The server time is not known yet.', { rule: 'clock' });
  }
  const recvWindow = recvWindowFor(call.stamp.recvWindow, exchange.snapshot.settings.recvWindowMs);
  return signCall(call, credentialOf(exchange), { timestampMs, recvWindow });
}

function credentialOf(exchange: Exchange) {
  const credential = exchange.snapshot.settings.accounts.get(exchange.account ?? '');
  if (credential === undefined) throw new Error('a client without its account');
  return credential;
}
