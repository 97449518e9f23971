import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, expect } from 'vitest';
import { type Reply, type Sending, send } from '../clients/http.ts';
import { startTestProxy, type TestProxy, type TestProxyOptions } from './proxy.ts';
import { type Received, startUpstream, type Upstream } from './upstream.ts';

/** A call that waits at the exchange for the test to answer it. */
interface Waiting {
  readonly received: Received;
  readonly response: ServerResponse;
  readonly isCut: boolean;
}

export interface SharedStage {
  readonly proxy: TestProxy;
  /** The calls that came to the exchange, in order; none is answered by itself. */
  readonly waiting: readonly Waiting[];
  /** A call of an app. */
  ask(target: string, sending?: Sending & { readonly key?: string }): Promise<Reply>;
  /** Resolves when so many calls have come to the exchange. */
  arrived(count: number): Promise<void>;
  /** Resolves when so many apps wait for calls that may be joined, those who lead them included. */
  joined(count: number): Promise<void>;
  /** Answers one of the waiting calls with JSON. */
  answer(index: number, value: unknown, status?: number): void;
  /** Reads the same configuration again, as SIGHUP does. */
  reload(): void;
  /** Starts the proxy anew with these lines under `cache`. */
  restart(cache: string, more?: More): Promise<void>;
}

interface More extends Partial<TestProxyOptions> {
  /** How far the clock of the exchange is ahead. */
  readonly clockOffsetMs?: number;
}

export const BOT = 'b'.repeat(40);
export const OTHER = 'o'.repeat(40);
const ENV = { BOT_CLIENT_KEY: BOT, OTHER_CLIENT_KEY: OTHER };
const CLIENTS = `clients:
  bot: { account: main, envPrefix: BOT, permissions: [market-data, read, spot-margin-trade] }
  other: { account: main, envPrefix: OTHER, permissions: [market-data, read] }
`;
/** Longer than any pause of the event loop, which apps, proxy and exchange share here. */
const LONG_MS = 600_000;

/** An exchange that answers when it is told to, and a proxy with two clients in front of it. */
export function stageShared(cache = 'merge: true'): SharedStage {
  let waiting: Waiting[] = [];
  let upstream: Upstream | undefined;
  let proxy: TestProxy;

  async function start(lines: string, { clockOffsetMs, ...more }: More = {}) {
    if (clockOffsetMs !== undefined) await openUpstream(clockOffsetMs);
    proxy = await startTestProxy({
      upstream: upstream?.url ?? '',
      env: ENV,
      yaml: `${CLIENTS}cache: { ${lines} }\n`,
      ...more,
      timeouts: { joinableMs: LONG_MS, headersTimeoutMs: 60_000, ...more.timeouts },
    });
  }

  async function openUpstream(clockOffsetMs = 0) {
    waiting = [];
    await upstream?.close();
    upstream = await startUpstream({ clockOffsetMs });
    upstream.respond((received, response) => {
      const one = { received, response, isCut: false };
      response.on('close', () => {
        one.isCut = !response.writableFinished;
      });
      waiting.push(one);
    });
  }

  beforeEach(async () => {
    await openUpstream();
    await start(cache);
  });
  afterEach(async () => {
    for (const { response } of waiting) response.destroy();
    await proxy.close();
    await upstream?.close();
    upstream = undefined;
  });

  const wait = { interval: 2, timeout: 20_000 };
  return {
    get proxy() {
      return proxy;
    },
    get waiting() {
      return waiting;
    },
    ask: (target, { key, headers, ...sending } = {}) =>
      send(proxy.port, target, {
        ...sending,
        headers: { ...(key === undefined ? {} : { 'x-mbx-apikey': key }), ...headers },
      }),
    arrived: async (count) => {
      await expect.poll(() => waiting.length, wait).toBe(count);
    },
    joined: async (count) => {
      await expect.poll(() => proxy.parts.shared.waiting, wait).toBe(count);
    },
    answer(index, value, status = 200) {
      waiting[index]?.response
        .writeHead(status, { 'content-type': 'application/json', 'x-mbx-used-weight-1m': '1' })
        .end(JSON.stringify(value));
    },
    reload: () => proxy.reload(ENV, `${CLIENTS}cache: { ${cache} }\n`),
    async restart(lines, more) {
      await proxy.close();
      await start(lines, more);
    },
  };
}
