import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type RawData, WebSocket, WebSocketServer } from 'ws';

export interface LateEvents {
  /** `ws://…` origin that stands for that of the exchange. */
  readonly wsUrl: string;
  close(): Promise<void>;
}

const LONGEST_MS = 700;

/**
 * Hands WebSockets on to an exchange, but for this: events of orders come late, out of their order and twice, as chance has
 * it. Everything else passes at once.
 */
export async function startLateEvents(exchangeWsUrl: string, random: () => number): Promise<LateEvents> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  const timers = new Set<NodeJS.Timeout>();
  const later = (act: () => void, ms: number) => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      act();
    }, ms);
    timers.add(timer);
  };
  server.on('connection', (app, request) => {
    const exchange = new WebSocket(`${exchangeWsUrl}${request.url}`);
    const early: [RawData, boolean][] = [];
    app.on('message', (data, isBinary) => {
      if (exchange.readyState === WebSocket.OPEN) exchange.send(data, { binary: isBinary });
      else early.push([data, isBinary]);
    });
    exchange.on('open', () => {
      for (const [data, isBinary] of early) exchange.send(data, { binary: isBinary });
    });
    exchange.on('message', (data, isBinary) => {
      const tell = () => app.readyState === WebSocket.OPEN && app.send(data, { binary: isBinary });
      const isOfOrder = /"e":"(?:executionReport|ORDER_TRADE_UPDATE|ALGO_UPDATE)"/.test(String(data));
      if (isOfOrder && random() < 0.3) later(tell, random() * LONGEST_MS);
      else tell();
      if (isOfOrder && random() < 0.1) later(tell, random() * LONGEST_MS);
    });
    for (const [one, other] of [
      [app, exchange],
      [exchange, app],
    ] as const) {
      one.on('error', () => {});
      one.on('close', () => other.terminate());
    }
  });
  await once(server, 'listening');
  return {
    wsUrl: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      for (const timer of timers) clearTimeout(timer);
      for (const socket of server.clients) socket.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
