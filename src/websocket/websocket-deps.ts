import type { FastifyRequest } from 'fastify';
import type { WebSocket } from 'ws';
import type { AuditTrail } from '../audit/trail.ts';
import type { Budgets } from '../budgets/budgets.ts';
import type { BinanceHost } from '../core/binance-hosts.ts';
import type { ProxyError } from '../core/errors.ts';
import type { CallContext } from '../pipeline/call-context.ts';
import type { LiveConfig } from '../pipeline/live-config.ts';
import type { Pipeline } from '../pipeline/wire-pipeline.ts';
import type { OwnAddresses } from '../upstream/connections/own-addresses.ts';
import type { ServerClock } from '../upstream/server-clock.ts';
import type { AdmittedSocket } from './opening.ts';
import type { OpenSockets } from './sockets/open-sockets.ts';
import type { SocketLimits } from './sockets/socket-limits.ts';
import { SocketRecords } from './sockets/socket-records.ts';

export interface WebSocketDeps {
  readonly pipeline: Pipeline;
  readonly budgets: Budgets;
  readonly trail: Pick<AuditTrail, 'note'>;
  readonly clock: Pick<ServerClock, 'nowOrLocal'>;
  readonly config: () => LiveConfig;
  readonly sockets: OpenSockets;
  /** Where no socket to Binance may end. */
  readonly own: OwnAddresses;
  readonly limits: SocketLimits;
  readonly monotonicNow: () => number;
  readonly wallNow: () => number;
  /** The context of a request; the first hook put it there. */
  readonly contextOf: (request: FastifyRequest) => CallContext;
  /** The host of Binance's that a request called by its name. */
  readonly hostOf: (request: FastifyRequest) => BinanceHost | undefined;
  /** Counts a wrong key from where a request came; what refuses when there were too many. */
  readonly guesses: (request: FastifyRequest) => Promise<ProxyError | undefined>;
}

/** What waits for an upgrade to be accepted. */
export interface Entry {
  accept(app: WebSocket): void;
  giveUp(): void;
}

/** What every opening of a socket to Binance needs. */
export function connectingOf({ budgets, limits, own }: WebSocketDeps) {
  return { budgets, handshakeTimeoutMs: limits.handshakeTimeoutMs, own };
}

/** Records a frame that is refused on a stream, as a call of its own. Its parameters may name a listen key: they are not shown. */
export function refusedOn(
  { pipeline }: WebSocketDeps,
  { endpoint, client, context }: AdmittedSocket,
): (method: string, error: ProxyError) => void {
  return (method, error) => {
    const detail = { ...context.detail, socket: context.requestId };
    const frame = pipeline.arrival.arrive(method, () => context.identified, detail);
    frame.noteEndpoint(endpoint);
    frame.noteCaller(client, undefined);
    pipeline.recorder.refused(frame, error);
  };
}

/** The records of one app's socket. */
export function recordsOf(deps: WebSocketDeps, { target, client, context }: AdmittedSocket): SocketRecords {
  const { family, printable } = target;
  const subject = { client: client.name, upstream: family, path: printable };
  return new SocketRecords(deps, context.requestId, subject, context.detail);
}
