import { setTimeout as pause } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Reply, send } from '../../support/clients/http.ts';
import { runs } from '../../support/properties.ts';
import { startTestProxy, type TestProxy } from '../../support/servers/proxy.ts';
import { startUpstream, type Upstream } from '../../support/servers/upstream.ts';

const CODINGS = ['', 'gzip', 'br'];
const JOINABLE_MS = 1_000;
const KEPT_MS = 100;

const behaviour = fc.record({
  kind: fc.constantFrom('whole', 'pieces', 'pieces', 'error', 'broken', 'dropped'),
  delayMs: fc.integer({ min: 0, max: 12 }),
  bytes: fc.constantFrom(1, 2_000, 400_000),
});
const caller = fc.record({
  target: fc.constantFrom(0, 0, 0, 1),
  coding: fc.constantFrom(0, 0, 0, 1, 2),
  startMs: fc.integer({ min: 0, max: 20 }),
  hangUpMs: fc.option(fc.integer({ min: 0, max: 25 }), { nil: undefined, freq: 3 }),
  wantsNews: fc.boolean(),
});
type Behaviour = typeof behaviour extends fc.Arbitrary<infer B> ? B : never;
type Caller = typeof caller extends fc.Arbitrary<infer C> ? C : never;

/** One call that came to the exchange, and what it was answered. */
interface Answered {
  readonly target: string;
  readonly coding: string;
  readonly atMs: number;
  readonly kind: Behaviour['kind'];
  readonly body: string;
}

let upstream: Upstream;
let proxy: TestProxy;
let answered: Answered[] = [];
let script: readonly Behaviour[] = [];
let run = 0;

beforeAll(async () => {
  upstream = await startUpstream();
  upstream.respond(({ target, headers }, response) => {
    const { kind, delayMs, bytes } = script[answered.length % script.length] as Behaviour;
    const coding = String(headers['accept-encoding'] ?? '');
    const id = `${run}.${answered.length}`;
    const code = kind === 'error' ? { code: -1100, msg: id } : {};
    const body = JSON.stringify({ id, target, coding, ...code, filler: 'x'.repeat(bytes) });
    answered.push({ target, coding, atMs: performance.now(), kind, body });
    setTimeout(() => {
      if (kind === 'dropped') return response.destroy();
      const head = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
      response.writeHead(kind === 'error' ? 400 : 200, head);
      if (kind === 'whole' || kind === 'error') return response.end(body);
      response.write(body.slice(0, body.length / 2));
      setTimeout(() => {
        if (kind === 'broken') response.destroy();
        else response.end(body.slice(body.length / 2));
      }, 2 * delayMs);
      return undefined;
    }, delayMs);
  });
  proxy = await startTestProxy({
    upstream: upstream.url,
    yaml: 'cache: { merge: true, depth: true }\n',
    timeouts: { joinableMs: JOINABLE_MS },
  });
});
afterAll(async () => {
  await proxy.close();
  await upstream.close();
});

interface Ended {
  readonly caller: Caller;
  readonly target: string;
  readonly askedMs: number;
  readonly reply: Reply | undefined;
}

async function play(one: Caller): Promise<Ended> {
  const target = `/api/v3/depth?symbol=R${run}T${one.target}`;
  const coding = CODINGS[one.coding] ?? '';
  await pause(one.startMs);
  const askedMs = performance.now();
  const headers = {
    ...(coding === '' ? {} : { 'accept-encoding': coding }),
    ...(one.wantsNews && one.startMs > 10 ? { 'cache-control': 'no-cache' } : {}),
  };
  const given = new AbortController();
  if (one.hangUpMs !== undefined) setTimeout(() => given.abort(), one.hangUpMs);
  const reply = await send(proxy.port, target, { headers, signal: given.signal }).catch(() => undefined);
  return { caller: one, target, askedMs, reply };
}

function judge({ caller: one, target, askedMs, reply }: Ended): void {
  const coding = CODINGS[one.coding] ?? '';
  const own = answered.filter((each) => each.target === target && each.coding === coding);
  if (reply === undefined || reply.status === 504 || reply.status === 503) {
    const isExcused =
      one.hangUpMs !== undefined || own.some(({ kind }) => kind === 'broken' || kind === 'dropped');
    expect(isExcused, `nothing for ${target} in ${coding}`).toBe(true);
    return;
  }
  const from = own.find(({ body }) => body === reply.text);
  expect(from, reply.text.slice(0, 200)).toBeDefined();
  if (from === undefined) return;
  expect(reply.status).toBe(from.kind === 'error' ? 400 : 200);
  const how = reply.headers['x-proxy-cache'];
  const mostMs = how === undefined ? 0 : how === 'hit' ? KEPT_MS : JOINABLE_MS;
  expect(from.atMs).toBeGreaterThanOrEqual(askedMs - mostMs);
  if (how === 'hit') expect(['whole', 'pieces']).toContain(from.kind);
  expect(Number(reply.headers['x-proxy-weight']) === 0).toBe(how !== undefined);
}

describe('any interleaving of callers, hang-ups, faults and codings', () => {
  it('Each caller gets the bytes that one answer of Binance had, none mixed, none older than its bound', async () => {
    const most = { minLength: 1, maxLength: 14 };
    let merged = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(caller, most),
        fc.array(behaviour, { minLength: 1, maxLength: 5 }),
        async (callers, behaviours) => {
          run++;
          answered = [];
          script = behaviours;
          const ended = await Promise.all(callers.map(play));
          for (const one of ended) judge(one);
          const charged = ended.filter(
            ({ reply }) =>
              reply !== undefined && reply.status < 500 && reply.headers['x-proxy-cache'] === undefined,
          );
          expect(charged.length).toBeLessThanOrEqual(answered.length);
          merged += ended.filter(({ reply }) => reply?.headers['x-proxy-cache'] === 'merged').length;
          await expect.poll(() => proxy.parts.underWay.total, { interval: 2 }).toBe(0);
          expect(proxy.parts.shared.waiting).toBe(0);
        },
      ),
      runs(400, 40),
    );
    // How many are given what is kept for a moment depends on the machine.
    expect(merged).toBeGreaterThan(0);
  });
});
