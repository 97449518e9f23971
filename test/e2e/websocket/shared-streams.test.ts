import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { buildAppListener } from '../../../src/http/app-listener.ts';
import { listen } from '../../../src/proxy/listen.ts';
import { APP_VARIABLES } from '../../../src/proxy/listen-trouble.ts';
import type { SocketLimits } from '../../../src/websocket/sockets/socket-limits.ts';
import { connectApp, eventually, refusedUpgrade, type WsApp } from '../../support/clients/ws-app.ts';
import { startTestProxy, type TestProxy } from '../../support/servers/proxy.ts';
import { startWsUpstream, type WsUpstream, wsEnv } from '../../support/servers/ws-upstream.ts';

let upstream: WsUpstream;
let proxy: TestProxy;
const apps: WsApp[] = [];
/** What the exchange carries, by socket. */
let carried: Map<WebSocket, Set<string>>;
let refuse: (names: readonly string[]) => string | undefined;
/** What a refusal waits for, and with it all that the exchange says after it. */
let beforeRefusal: (names: readonly string[]) => Promise<void>;

beforeAll(async () => {
  upstream = await startWsUpstream();
  proxy = await startTestProxy({ upstream: upstream.url, env: wsEnv(upstream) });
});
beforeEach(() => {
  carried = new Map();
  refuse = () => undefined;
  beforeRefusal = () => Promise.resolve();
  upstream.onStream((socket) => {
    const names = new Set<string>();
    let lastAnswer = Promise.resolve();
    carried.set(socket, names);
    socket.on('close', () => carried.delete(socket));
    socket.on('message', (data) => {
      const { method, params, id } = JSON.parse(data.toString());
      const error = refuse(params);
      for (const name of error === undefined ? params : []) {
        if (method === 'SUBSCRIBE') names.add(name);
        else names.delete(name);
      }
      lastAnswer = lastAnswer
        .then(() => (error === undefined ? undefined : beforeRefusal(params)))
        .then(() =>
          socket.send(error === undefined ? `{"result":null,"id":${id}}` : `{"error":${error},"id":${id}}`),
        );
    });
  });
});
afterEach(async () => {
  for (const app of apps.splice(0)) app.socket.terminate();
  await eventually(() => proxy.parts.app.sockets.size === 0 && carried.size === 0);
});
afterAll(async () => {
  await proxy.close();
  await upstream.close();
});

async function connect(path: string, url = proxy.url): Promise<WsApp> {
  const app = await connectApp(`${url}${path}`);
  apps.push(app);
  return app;
}

async function impatient(limits: Partial<SocketLimits>) {
  const app = await buildAppListener(proxy.parts.app, limits);
  return {
    app,
    url: await listen(app, {
      host: '127.0.0.1',
      port: 0,
      socket: undefined,
      socketGroup: undefined,
      variables: APP_VARIABLES,
    }),
  };
}

const all = () => [...carried.values()].map((names) => [...names].toSorted());
const carries = (...names: readonly string[]) =>
  eventually(() => JSON.stringify(all()) === JSON.stringify([names]));

const wasSent = (text: string) => upstream.messages.some(({ data }) => data.includes(text));
const isBad = (name: string) => name.startsWith('bad');

/**
 * Acts right after four subscriptions, which are all that Binance takes in a second, so that what is asked then has to
 * wait and goes together. Where the machine was too slow for that, it is done again.
 * @param act tells whether it came as it was arranged
 */
async function whileFull(act: (attempt: number) => Promise<boolean>): Promise<number> {
  for (let attempt = 0; attempt < 20; attempt++) {
    // So that the four go in one moment, and four more in the moment in which their second is over.
    if (attempt > 0) await pause(1_100);
    await Promise.all([1, 2, 3, 4].map((at) => connect(`/ws/full${attempt}-${at}@trade`)));
    if (await act(attempt)) return attempt;
  }
  throw new Error('what was asked together never went together');
}

/** The exchange tells all sockets that carry a stream. */
function tell(stream: string, data: string): void {
  for (const [socket, names] of carried) {
    if (names.has(stream)) socket.send(`{"stream":${JSON.stringify(stream)},"data":${data}}`);
  }
}

function command(app: WsApp, method: string, params: readonly unknown[], id: number) {
  return app.askRaw(JSON.stringify({ method, params, id }));
}

describe('apps on the same public stream', () => {
  it('Apps share one subscription and each hears every event once, raw or combined as it asked, byte for byte', async () => {
    const raw = await connect('/ws/btcusdt@trade');
    const combined = await connect('/stream?streams=btcusdt@trade/ethusdt@trade');
    const bare = await connect('/ws');
    await command(bare, 'SUBSCRIBE', ['btcusdt@trade'], 1);
    await carries('btcusdt@trade', 'ethusdt@trade');
    tell('btcusdt@trade', '{"p":"0.10", "n":12345678901234567890}');
    tell('ethusdt@trade', '[1]');
    await eventually(() => combined.texts.length === 2);
    expect(combined.texts).toEqual([
      '{"stream":"btcusdt@trade","data":{"p":"0.10", "n":12345678901234567890}}',
      '{"stream":"ethusdt@trade","data":[1]}',
    ]);
    await eventually(() => raw.texts.length === 1);
    expect(raw.texts).toEqual(['{"p":"0.10", "n":12345678901234567890}']);
    await eventually(() => bare.texts.length === 2);
    expect(bare.texts).toEqual(['{"result":null,"id":1}', '{"p":"0.10", "n":12345678901234567890}']);
    const subscriptions = upstream.messages.filter(({ data }) => data.includes('btcusdt@trade'));
    expect(subscriptions).toHaveLength(1);
  });

  it('A shared stream is asked for in any script', async () => {
    const app = await connect(`/ws/${encodeURIComponent('币安人生usdt@trade')}`);
    await carries('币安人生usdt@trade');
    tell('币安人生usdt@trade', '{"s":"币安人生USDT"}');
    await eventually(() => app.texts.length === 1);
    expect(app.texts).toEqual(['{"s":"币安人生USDT"}']);
  });

  it('A shared subscription ends only when the last app has gone', async () => {
    const [first, second, other] = [
      await connect('/ws/a@trade'),
      await connect('/ws'),
      await connect('/ws/b@trade'),
    ];
    await command(second, 'SUBSCRIBE', ['a@trade'], 5);
    await carries('a@trade', 'b@trade');
    first.socket.terminate();
    await eventually(() => proxy.parts.app.sockets.size === 2);
    tell('a@trade', '1');
    await eventually(() => second.texts.length === 2);
    expect(await command(second, 'UNSUBSCRIBE', ['a@trade'], 6)).toEqual({ result: null, id: 6 });
    await carries('b@trade');
    tell('b@trade', '2');
    await eventually(() => other.texts.length === 1);
    expect(second.texts).toHaveLength(3);
  });

  it('The socket to Binance closes when no app is left', async () => {
    const app = await connect('/ws/a@trade');
    await carries('a@trade');
    await app.close();
    await eventually(() => carried.size === 0);
  });

  it('Apps on shared streams have subscriptions and properties of their own', async () => {
    const [one, two] = [await connect('/ws/a@trade'), await connect('/stream?streams=b@trade')];
    expect(await command(one, 'LIST_SUBSCRIPTIONS', [], 1)).toEqual({ result: ['a@trade'], id: 1 });
    expect(await command(two, 'LIST_SUBSCRIPTIONS', [], 2)).toEqual({ result: ['b@trade'], id: 2 });
    expect(await command(one, 'GET_PROPERTY', ['combined'], 3)).toEqual({ result: false, id: 3 });
    expect(await command(one, 'SET_PROPERTY', ['combined', true], 4)).toEqual({ result: null, id: 4 });
    expect(await command(two, 'GET_PROPERTY', ['combined'], 5)).toEqual({ result: true, id: 5 });
    await carries('a@trade', 'b@trade');
    tell('a@trade', '{}');
    await eventually(() => one.texts.includes('{"stream":"a@trade","data":{}}'));
  });

  it('An app hears Binance’s own refusal, and nobody else loses anything by it', async () => {
    refuse = (names) => (names.includes('bad') ? '{"code":2,"msg":"Invalid request: bad"}' : undefined);
    const [one, two] = [await connect('/ws/a@trade'), await connect('/ws')];
    await carries('a@trade');
    expect(await command(two, 'SUBSCRIBE', ['a@trade', 'bad'], 9)).toEqual({
      error: { code: 2, msg: 'Invalid request: bad' },
      id: 9,
    });
    expect(await command(two, 'LIST_SUBSCRIPTIONS', [], 10)).toEqual({ result: [], id: 10 });
    tell('a@trade', '1');
    await eventually(() => one.texts.length === 1);
    expect(two.texts).toHaveLength(2);
    refuse = () => undefined;
    expect(await command(two, 'SUBSCRIBE', ['bad'], 11)).toEqual({ result: null, id: 11 });
  });

  it('Three hundred apps that come at once are asked for in a few frames, and none is turned away', async () => {
    const before = upstream.messages.length;
    const names = Array.from({ length: 300 }, (_, at) => `own${at}@trade`);
    const many = await Promise.all(names.map((name) => connect(`/ws/${name}`)));
    await carries(...names.toSorted());
    for (const name of names) tell(name, JSON.stringify(name));
    await eventually(() => many.every(({ texts }) => texts.length === 1));
    expect(many.map(({ texts }) => texts[0])).toEqual(names.map((name) => JSON.stringify(name)));
    // Four in a second, which is what Binance takes, and what comes meanwhile in frames of two hundred.
    expect(upstream.messages.length - before).toBeLessThan(60);
  });

  it('Apps asked for together hear Binance’s refusal of their own stream only', async () => {
    refuse = (names) => (names.includes('bad') ? '{"code":2,"msg":"Invalid request: bad"}' : undefined);
    const [one, two, three] = [await connect('/ws'), await connect('/ws'), await connect('/ws')];
    const last = await whileFull(async (attempt) => {
      const answers = await Promise.all([
        command(one, 'SUBSCRIBE', [`c${attempt}@trade`], 1),
        command(two, 'SUBSCRIBE', ['bad'], 2),
        command(three, 'SUBSCRIBE', [`d${attempt}@trade`], 3),
      ]);
      expect(answers).toEqual([
        { result: null, id: 1 },
        { error: { code: 2, msg: 'Invalid request: bad' }, id: 2 },
        { result: null, id: 3 },
      ]);
      return wasSent(`"params":["c${attempt}@trade","bad","d${attempt}@trade"]`);
    });
    expect(all().flat()).toEqual(expect.arrayContaining([`c${last}@trade`, `d${last}@trade`]));
    expect(all().flat()).not.toContain('bad');
    const heard = three.texts.length;
    tell(`d${last}@trade`, '1');
    await eventually(() => three.texts.length === heard + 1);
    expect(apps.every(({ socket }) => socket.readyState === WebSocket.OPEN)).toBe(true);
  });

  it('Apps that have gone while Binance refused them together with others leave nothing behind', async () => {
    refuse = (names) => (names.length > 1 && names.some(isBad) ? '{"code":2,"msg":"bad"}' : undefined);
    // Binance is slow to refuse: by then the one that has gone is ended.
    beforeRefusal = async (names) => {
      const gone = names.find((name) => name.startsWith('gone'));
      if (gone !== undefined) await eventually(() => wasSent(`"UNSUBSCRIBE","params":["${gone}"]`));
    };
    const bad = await connect('/ws');
    await whileFull(async (attempt) => {
      const gone = await connect(`/ws/gone${attempt}@trade`);
      const answer = command(bad, 'SUBSCRIBE', [`bad${attempt}`], 1);
      gone.socket.terminate();
      expect(await answer).toEqual({ result: null, id: 1 });
      await eventually(() => wasSent(`"UNSUBSCRIBE","params":["gone${attempt}@trade"]`));
      expect(await command(bad, 'SUBSCRIBE', [`after${attempt}`], 2)).toEqual({ result: null, id: 2 });
      expect(all().flat()).toContain(`bad${attempt}`);
      expect(all().flat()).not.toContain(`gone${attempt}@trade`);
      // The case that is meant: it was ended at once, before the refusal of both had come.
      const frames = upstream.messages.map(({ data }) => data.toString());
      const together = frames.findIndex((text) => text.includes(`"gone${attempt}@trade","bad${attempt}"]`));
      return together >= 0 && frames[together + 1]?.includes('"UNSUBSCRIBE"') === true;
    });
  });

  it('A stream that is left and taken again keeps what the last app asked for, however quickly', async () => {
    await Promise.all(['f1', 'f2', 'f3', 'f4'].map((name) => connect(`/ws/${name}@trade`)));
    const first = await connect('/ws/again@trade');
    first.socket.terminate();
    await eventually(() => proxy.parts.app.sockets.size === 4);
    const second = await connect('/ws/again@trade');
    await eventually(() => upstream.messages.filter(({ data }) => data.includes('again@trade')).length === 3);
    await carries('again@trade', 'f1@trade', 'f2@trade', 'f3@trade', 'f4@trade');
    tell('again@trade', '1');
    await eventually(() => second.texts.length === 1);
  });

  it.each([
    '{"method":"SUBSCRIBE","params":[1],"id":1}',
    '{"method":"SUBSCRIBE","params":[],"id":1}',
    '{"method":"order.place","params":["a"],"id":1}',
    '{"method":"SET_PROPERTY","params":["combined",1],"id":1}',
    '{"method":"SET_PROPERTY","params":["x",true],"id":1}',
    '{"method":["SUBSCRIBE"],"id":1}',
    'garbage',
  ])('An app gets an error for %s', async (text) => {
    const app = await connect('/ws');
    const before = upstream.messages.length;
    expect(await app.askRaw(text)).toMatchObject({
      error: { code: expect.any(Number), msg: expect.any(String) },
    });
    expect(upstream.messages.length).toBe(before);
    expect(app.socket.readyState).toBe(WebSocket.OPEN);
  });

  it('Two apps may have 1,024 streams each, over as many sockets to Binance as they need', async () => {
    const [one, two] = [await connect('/ws'), await connect('/ws')];
    const names = (prefix: string, count: number) =>
      Array.from({ length: count }, (_, at) => `${prefix}${at}@trade`);
    expect(await command(one, 'SUBSCRIBE', names('a', 1024), 1)).toEqual({ result: null, id: 1 });
    expect(await command(one, 'SUBSCRIBE', ['one-too-many'], 2)).toMatchObject({ error: { code: 3 } });
    expect(await command(two, 'SUBSCRIBE', [...names('a', 10), ...names('b', 1000)], 3)).toEqual({
      result: null,
      id: 3,
    });
    expect([...carried.values()].map((set) => set.size)).toEqual([1024, 1000]);
    tell('a5@trade', '5');
    tell('b5@trade', '6');
    await eventually(() => two.texts.length === 3);
    expect(two.texts.slice(1)).toEqual(['5', '6']);
  });

  it('Apps on a shared stream hear the same end as Binance gives it', async () => {
    const [one, two] = [await connect('/ws/a@trade'), await connect('/stream')];
    await carries('a@trade');
    const [socket] = carried.keys();
    socket!.send('{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}');
    await eventually(() => one.texts.length + two.texts.length === 2);
    expect(one.texts).toEqual(['{"e":"serverShutdown","E":1}']);
    socket!.close(1001, '24 h');
    expect(await one.closed).toEqual({ code: 1001, reason: '24 h' });
    expect(await two.closed).toEqual({ code: 1001, reason: '24 h' });
    expect(proxy.records('socket.closed').at(-1)).toMatchObject({ detail: { by: 'binance', code: 1001 } });
  });

  it('An app is not let in when Binance cannot be reached', async () => {
    upstream.refuseUpgrades(500);
    try {
      expect(await refusedUpgrade(`${proxy.url}/ws/a@trade`)).toMatchObject({ status: 502 });
    } finally {
      upstream.refuseUpgrades(undefined);
    }
    await connect('/ws/a@trade');
    await carries('a@trade');
  });

  it('An app that does not read is cut off with 1013, and does not hold up the others', async () => {
    const { app, url } = await impatient({
      slowReaderMs: 100,
      tickMs: 20,
      closeTimeoutMs: 100,
      pauseAtBytes: 64 * 1024,
      maxBufferedBytes: 4_000_000,
    });
    try {
      const [slow, fast] = [await connect('/ws/a@trade', url), await connect('/ws/a@trade', url)];
      await carries('a@trade');
      const event = JSON.stringify('x'.repeat(100_000));
      slow.socket.pause();
      const before = proxy.records('socket.closed').length;
      let told = 0;
      while (proxy.records('socket.closed').length === before) {
        tell('a@trade', event);
        told++;
        await eventually(() => fast.texts.length === told);
      }
      expect(proxy.records('socket.closed').at(-1)).toMatchObject({
        rule: 'slow reader',
        detail: { by: 'proxy', code: 1013 },
      });
      tell('a@trade', event);
      await eventually(() => fast.texts.length === told + 1);
      slow.socket.terminate();
    } finally {
      await app.close();
    }
  });

  it('Many apps that come and go at once leave nothing behind', async () => {
    for (let round = 0; round < 3; round++) {
      const many = await Promise.all(Array.from({ length: 30 }, (_, at) => connect(`/ws/s${at % 7}@trade`)));
      expect(carried.size).toBe(1);
      for (const app of many) app.socket.terminate();
      await eventually(() => proxy.parts.app.sockets.size === 0);
    }
    await eventually(() => carried.size === 0);
  });
});
