import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { outsideRecvWindow } from '../base/exchange-error.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Fault, Faults } from '../exchange/faults.ts';
import type { RequestDraft } from './recorded-request.ts';
import { compressed, edgePage, errorReply, type Reply } from './reply.ts';
import { judge, respond } from './respond.ts';
import type { Route } from './route.ts';
import { pathOf } from './wire-request.ts';

/** What serving a request needs. */
export interface ServeDeps {
  readonly exchange: () => Exchange;
  readonly findRoute: (method: string, path: string) => Route | undefined;
  readonly faults: Faults;
  readonly record: (draft: RequestDraft) => void;
  /** Called after a request was carried out. */
  readonly settle: () => void;
  readonly gzip: boolean;
}

/** Serves one HTTP request: records it, and answers it or does what a fault wants instead. */
export async function serve(
  deps: ServeDeps,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const draft = newDraft(incoming);
  const { method, path } = draft;
  deps.record(draft);
  const fault = deps.faults.take(method, path);
  if (fault?.kind === 'drop-before-read') {
    incoming.socket.destroy();
    return;
  }
  draft.body = await readBody(incoming);
  const exchange = deps.exchange();
  const judged = judge(exchange, () => deps.findRoute(method, path), draft);
  if (fault?.kind === 'drop-after-read') {
    incoming.socket.destroy();
    return;
  }
  const instead = replyInstead(fault);
  if (fault?.kind === 'stall' && fault.execute !== true) return;
  const reply = instead ?? respond(exchange, judged);
  deps.settle();
  if (fault?.kind === 'stall') return;
  if (fault?.kind === 'execute-then-drop') {
    incoming.socket.destroy();
    return;
  }
  if (fault?.kind === 'delay') await sleep(fault.ms, undefined, { ref: false });
  draft.status = reply.status;
  draft.code = reply.code;
  write(outgoing, deps.gzip ? compressed(reply, incoming.headers) : reply, fault);
}

function newDraft(incoming: IncomingMessage): RequestDraft {
  const headers: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  const { method = 'GET', url: target = '/' } = incoming;
  return {
    method,
    target,
    path: pathOf(target),
    rawHeaders: incoming.rawHeaders,
    headers,
    body: Buffer.alloc(0),
    security: undefined,
    verified: false,
    account: undefined,
    status: undefined,
    code: undefined,
  };
}

async function readBody(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** The answer of a fault that keeps the request from being carried out. */
function replyInstead(fault: Fault | undefined): Reply | undefined {
  if (fault?.kind === 'stale-timestamp') return errorReply(outsideRecvWindow());
  if (fault?.kind === 'redirect') {
    const page = edgePage(fault.status ?? 301, 'Moved Permanently');
    return { ...page, headers: { ...page.headers, Location: fault.location } };
  }
  if (fault?.kind !== 'status') return undefined;
  const body = Buffer.from(fault.body ?? '');
  const headers = { 'Content-Type': fault.contentType ?? 'application/json;charset=UTF-8', ...fault.headers };
  return { status: fault.status, body, code: codeOf(fault.body), headers };
}

function codeOf(body: string | undefined): number | undefined {
  const found = /"code"\s*:\s*(-?\d+)/.exec(body ?? '')?.[1];
  return found === undefined ? undefined : Number(found);
}

function write(outgoing: ServerResponse, reply: Reply, fault: Fault | undefined): void {
  outgoing.writeHead(reply.status, {
    ...reply.headers,
    'Content-Length': reply.body.length,
    'x-mbx-uuid': randomUUID(),
  });
  if (fault?.kind !== 'truncate-body') {
    outgoing.end(reply.body);
    return;
  }
  outgoing.write(reply.body.subarray(0, Math.floor(reply.body.length / 2)), () => outgoing.socket?.destroy());
}
