import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { connectApp, eventually, type WsApp } from '../../support/clients/ws-app.ts';
import { startTestProxy, type TestProxy } from '../../support/servers/proxy.ts';
import { okFrame, startWsUpstream, type WsUpstream, wsEnv } from '../../support/servers/ws-upstream.ts';

let upstream: WsUpstream;
let proxy: TestProxy;
let app: WsApp;
beforeEach(async () => {
  upstream = await startWsUpstream();
  proxy = await startTestProxy({ upstream: upstream.url, env: wsEnv(upstream) });
  app = await connectApp(`${proxy.url}/ws-api/v3`);
});
afterEach(async () => {
  app.socket.terminate();
  await proxy.close();
  await upstream.close();
});

const event = (n: number) => `{"event":{"e":"executionReport","n":${n}}}`;

/** Answers as many frames at once, each with an event behind it, all in one piece of TCP. */
function answerTogether(count: number, afterwards: (socket: WebSocket) => void = () => {}): void {
  const answers: string[] = [];
  upstream.respond((frame, socket) => {
    answers.push(okFrame(frame));
    if (answers.length < count) return;
    const { _socket: tcp } = socket as unknown as { readonly _socket: Socket };
    tcp.cork();
    for (const [i, answer] of answers.entries()) {
      socket.send(answer);
      socket.send(event(i));
    }
    afterwards(socket);
    tcp.uncork();
  });
}

function ask(count: number): void {
  for (let id = 0; id < count; id++) {
    app.socket.send(JSON.stringify({ id, method: 'account.status', params: {} }));
  }
}

/** Ids of answers and numbers of events, as the app got them. */
function heard(): readonly string[] {
  return app.texts.flatMap((text) => /"id":\d+|"n":\d+/.exec(text)?.[0] ?? []);
}

const alternating = (count: number) =>
  Array.from({ length: count }, (_, i) => [`"id":${i}`, `"n":${i}`]).flat();

describe('the order of what Binance sends on a signed API', () => {
  it('Answers and events that come in one piece reach the app in their order', async () => {
    answerTogether(20);
    ask(20);
    await eventually(() => heard().length === 40);
    expect(heard()).toEqual(alternating(20));
  });

  it('Answers and events that come right before Binance closes reach the app in their order, and none is lost', async () => {
    answerTogether(5, (socket) => socket.close(1012, 'restart'));
    ask(5);
    expect(await app.closed).toEqual({ code: 1012, reason: 'restart' });
    expect(heard()).toEqual(alternating(5));
  });

  it('An event behind the last answer of a shutdown reaches the app before the goodbye', async () => {
    let answer = (): void => {};
    upstream.respond((frame, socket) => {
      answer = () => {
        const { _socket: tcp } = socket as unknown as { readonly _socket: Socket };
        tcp.cork();
        socket.send(okFrame(frame));
        socket.send(event(0));
        tcp.uncork();
      };
    });
    ask(1);
    await eventually(() => upstream.frames.length === 1);
    const closing = proxy.close();
    await app.until((reply) => reply.event?.e === 'serverShutdown');
    answer();
    expect(await app.closed).toMatchObject({ code: 1001 });
    expect(heard()).toEqual(alternating(1));
    await closing;
  });
});
