import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket, WebSocketServer } from 'ws';

/** An exchange that answers every frame and every subscription at once, and sends events when it is told to. */
export interface SocketExchange {
  readonly host: string;
  /** When the last frame of a signed API came, by performance.now(). */
  arrivedMs(): number;
  /** Waits until somebody has asked for a stream. */
  asked(stream: string): Promise<void>;
  /** One event of a stream to everybody who has asked for it; `t` says when it was sent. */
  emit(stream: string): void;
  close(): Promise<void>;
}

interface Control {
  readonly method: string;
  readonly params: readonly string[];
  readonly id: number;
}

/** No limit of the exchange stands in the way of a measurement. */
const LIMITS = [
  { rateLimitType: 'REQUEST_WEIGHT', interval: 'MINUTE', intervalNum: 1, limit: 1_000_000_000 },
  { rateLimitType: 'RAW_REQUESTS', interval: 'MINUTE', intervalNum: 5, limit: 1_000_000_000 },
  { rateLimitType: 'ORDERS', interval: 'SECOND', intervalNum: 10, limit: 1_000_000_000 },
  { rateLimitType: 'ORDERS', interval: 'DAY', intervalNum: 1, limit: 1_000_000_000 },
];
const MOST_LOOKS = 5_000;
const RESULT =
  '"status":200,"result":{"symbol":"BTCUSDT","orderId":28,"orderListId":-1,"clientOrderId":"bench","transactTime":1507725176595},"rateLimits":[]}';

export async function startSocketExchange(): Promise<SocketExchange> {
  let lastMs = 0;
  const listeners = new Map<string, Set<WebSocket>>();
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ serverTime: Date.now(), rateLimits: LIMITS, symbols: [] }));
  });
  const sockets = new WebSocketServer({ server, perMessageDeflate: false });
  sockets.on('connection', (socket, request) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'ws://exchange');
    if (pathname.startsWith('/ws-')) {
      socket.on('message', (data) => {
        lastMs = performance.now();
        // The id is what it was: text stays text, a number a number.
        const id = /"id":("[^"]*"|\d+)/.exec((data as Buffer).toString('latin1', 0, 512))?.[1] ?? 'null';
        socket.send(`{"id":${id},${RESULT}`);
      });
      return;
    }
    const listen = (streams: readonly string[]) => {
      for (const stream of streams) {
        const all = listeners.get(stream) ?? new Set();
        listeners.set(stream, all.add(socket));
      }
    };
    listen((searchParams.get('streams') ?? '').split('/'));
    socket.on('message', (data) => {
      const { method, params, id } = JSON.parse((data as Buffer).toString()) as Control;
      if (method === 'SUBSCRIBE') listen(params);
      else for (const stream of params) listeners.get(stream)?.delete(socket);
      socket.send(`{"result":null,"id":${id}}`);
    });
    socket.on('close', () => {
      for (const all of listeners.values()) all.delete(socket);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    arrivedMs: () => lastMs,
    async asked(stream) {
      for (let i = 0; (listeners.get(stream)?.size ?? 0) === 0; i++) {
        if (i > MOST_LOOKS) throw new Error(`nobody has asked for ${stream}`);
        await pause(1);
      }
    },
    emit(stream) {
      const text = `{"stream":"${stream}","data":{"e":"trade","E":1672515782136,"s":"BNBBTC","t":${performance.now()},"p":"0.001","q":"100","T":1672515782136,"m":true,"M":true}}`;
      for (const socket of listeners.get(stream) ?? []) {
        if (socket.readyState === WebSocket.OPEN) socket.send(text);
      }
    },
    async close() {
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
