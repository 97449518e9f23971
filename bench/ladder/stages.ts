import { mkdtempSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Dispatcher } from 'undici';
import { loadCatalogue } from '../../src/config/load-catalogue.ts';
import { loadSettings } from '../../src/config/load-settings.ts';
import { decide } from '../../src/core/access/policy.ts';
import { readCall } from '../../src/core/call/call.ts';
import { backHeaders, upHeaders } from '../../src/core/call/headers.ts';
import { injectClientOrderIds } from '../../src/core/orders/client-order-id.ts';
import { signCall } from '../../src/core/signing/sign-call.ts';
import { CallContext } from '../../src/pipeline/call-context.ts';
import { readAnswer } from '../../src/pipeline/read-answer.ts';
import { type BuiltProxy, buildProxy } from '../../src/proxy/build.ts';
import { proxyEnvironment } from '../support/proxy.ts';
import { median } from '../support/tables.ts';
import { KEY } from '../support/workshop.ts';
import { ORDER } from './rounds.ts';

/** One stage of a call and what it costs, in µs of one core. */
export interface Stage {
  readonly name: string;
  readonly get: number;
  readonly post: number;
}

const BATCH = 2_000;
const BATCHES = 9;
const INCOMING = { host: '127.0.0.1:8080', accept: '*/*', 'user-agent': 'bench', 'x-mbx-apikey': KEY };
const ANSWER = Buffer.from(
  '{"symbol":"BTCUSDT","orderId":28,"orderListId":-1,"clientOrderId":"6gCrw2kRUAF9CvJDGP16IP","transactTime":1507725176595,"price":"0.00000000","origQty":"10.00000000","executedQty":"10.00000000","origQuoteOrderQty":"0.000000","cummulativeQuoteQty":"10.00000000","status":"FILLED","timeInForce":"GTC","type":"MARKET"}',
);

/**
 * What each part of one call costs by itself, with the configuration of the bench: run in this process, in batches, the
 * median of them. What is left of the whole call is Node's HTTP server, Fastify and the sockets.
 */
export async function measureStages(folder: string, upstream: string): Promise<readonly Stage[]> {
  const own = mkdtempSync(join(folder, 'stages-'));
  const env = proxyEnvironment(own, upstream, '0', '0');
  const settings = loadSettings({ env, cwd: own });
  const stdout = openSync(join(own, 'stdout.log'), 'w', 0o600);
  const built = await buildProxy({
    settings,
    log: (lines) => void writeSync(stdout, lines.map(({ text }) => `${text}\n`).join('')),
  });
  await built.warmUp();
  const get = await stagesOf(built, 'GET', '/api/v3/openOrders?symbol=BTCUSDT', Buffer.alloc(0));
  const post = await stagesOf(built, 'POST', '/api/v3/order', Buffer.from(ORDER));
  await built.close();
  return get.map(([name, micros], index) => ({ name, get: micros, post: post[index]?.[1] ?? 0 }));
}

async function stagesOf(
  { app }: BuiltProxy,
  method: string,
  target: string,
  body: Buffer,
): Promise<[string, number][]> {
  const { budgets, pipeline } = app;
  const config = app.config();
  const catalogue = loadCatalogue();
  const client = config.settings.clients.get('default')!;
  const credential = config.settings.accounts.get(client.account)!;
  const pool = config.pools.get('spot')!;
  const received = readCall(method, target, body);
  const endpoint = catalogue.find('spot', method, received.path)!;
  const requestId = pipeline.arrival.nextRequestId();
  const { call } = injectClientOrderIds(endpoint, received, requestId);
  const stamp = { timestampMs: Date.now(), recvWindow: '5000' };
  const wire = signCall(call, credential, stamp);
  const up = upHeaders(INCOMING, KEY, body.length > 0);
  const answerHeaders = { 'content-type': 'application/json', 'x-mbx-used-weight-1m': '20' };
  const signal = new AbortController().signal;
  const charging = { endpoint, call, client, account: client.account, recvWindowMs: 5_000, signal };
  const transfer = {
    phase: 'complete',
    status: 200,
    headers: answerHeaders,
    held: method === 'GET' ? undefined : ANSWER,
    streaming: method === 'GET',
    error: undefined,
  } as const;
  const contextOf = (): CallContext => {
    const arrivedMs = performance.now();
    const context = new CallContext({
      ...{ requestId, arrivedMs, config, method, identified: client },
      detail: undefined,
    });
    context.noteCall(call);
    context.noteEndpoint(endpoint);
    context.noteCaller(client, client.account);
    context.noteCharge(1, 0);
    context.noteSigning(0.04);
    context.noteSent(1.5, true);
    return context;
  };
  const answer = readAnswer(endpoint, transfer);
  const stages: [string, number][] = [
    ['parse the call', batches(() => readCall(method, target, body))],
    [
      'recognise and decide',
      batches(() => {
        config.denylist.match(received.path);
        catalogue.find('spot', method, received.path);
        decide(client, endpoint, received);
        injectClientOrderIds(endpoint, received, requestId);
      }),
    ],
    [
      'charge and settle the budgets',
      batches(() => {
        const ticket = budgets.charge(charging);
        if (ticket instanceof Promise) throw new Error('a charge that waits');
        budgets.reconcile(ticket, {
          status: 200,
          header: () => '20',
          bodyText: undefined,
          successful: true,
        });
      }),
    ],
    ['stamp and sign', batches(() => signCall(call, credential, stamp))],
    [
      'both records, printed and stored',
      batches(() => {
        const each = contextOf();
        pipeline.recorder.signedAtOnce(each);
        pipeline.recorder.completedAtOnce(each, answer, undefined);
      }),
    ],
    ['read and judge the answer', batches(() => readAnswer(endpoint, transfer))],
    [
      'headers up and back',
      batches(() => {
        upHeaders(INCOMING, KEY, body.length > 0);
        backHeaders(answerHeaders);
      }),
    ],
  ];
  stages.push([
    'send and take the answer (undici)',
    await sends(pool, { method, path: wire.target, headers: up, body: wire.body ?? null }),
  ]);
  return stages;
}

/** Median µs of one run, after a warm-up. */
export function batches(run: () => unknown, batch = BATCH): number {
  const micros: number[] = [];
  for (let i = 0; i <= BATCHES; i++) {
    const started = performance.now();
    for (let j = 0; j < batch; j++) run();
    if (i > 0) micros.push(((performance.now() - started) * 1_000) / batch);
  }
  return median(micros) ?? 0;
}

/** CPU µs of this process for one call through the pool, one after the other. */
async function sends(
  pool: Dispatcher,
  options: { method: string; path: string; headers: string[]; body: string | null },
): Promise<number> {
  const once = () =>
    new Promise<void>((resolve, reject) => {
      pool.dispatch(options as Dispatcher.DispatchOptions, {
        onRequestStart() {},
        onResponseStart() {},
        onResponseData() {},
        onResponseEnd: () => resolve(),
        onResponseError: (_controller, error) => reject(error),
      });
    });
  const micros: number[] = [];
  for (let i = 0; i < 5; i++) {
    const before = process.cpuUsage();
    for (let j = 0; j < 500; j++) await once();
    const { user, system } = process.cpuUsage(before);
    if (i > 0) micros.push((user + system) / 500);
  }
  return median(micros) ?? 0;
}
