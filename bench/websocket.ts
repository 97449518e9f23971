/**
 * What the proxy adds to a frame of the WebSocket API: app to Binance (frame in to frame out, the signature included)
 * and the whole round trip, measured against the same exchange without a proxy. `node bench/websocket.ts [frames]`
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { startProxy } from '../src/commands/start-proxy.ts';
import { loadSettings } from '../src/config/load-settings.ts';

const FRAMES = Number(process.argv[2] ?? 5_000);
const WARM_UP = 1_000;
const BUDGET_MS = 0.2;

interface Times {
  readonly oneWayMs: number[];
  readonly roundTripMs: number[];
}

let arrivedMs = 0;
const server = createServer((_request, response) => {
  response.setHeader('content-type', 'application/json');
  const limit = { rateLimitType: 'REQUEST_WEIGHT', interval: 'MINUTE', intervalNum: 1, limit: 10_000_000 };
  const orders = { rateLimitType: 'ORDERS', interval: 'SECOND', intervalNum: 10, limit: 10_000_000 };
  response.end(JSON.stringify({ serverTime: Date.now(), rateLimits: [limit, orders] }));
});
const wss = new WebSocketServer({ server });
wss.on('connection', (socket) => {
  socket.on('message', (data) => {
    arrivedMs = performance.now();
    const { id } = JSON.parse(data.toString()) as { id: number };
    socket.send(
      `{"id":${id},"status":200,"result":{"symbol":"BTCUSDT","orderId":28,"status":"NEW"},"rateLimits":[]}`,
    );
  });
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;
const origin = `127.0.0.1:${port}`;

const proxy = await startProxy({
  log: () => {},
  settings: loadSettings({
    cwd: process.cwd(),
    env: {
      BINANCE_API_KEY: 'k'.repeat(64),
      BINANCE_API_SECRET: 's'.repeat(64),
      BINANCE_PROXY_ENVIRONMENT: 'simulator',
      BINANCE_PROXY_HOST: '127.0.0.1',
      BINANCE_PROXY_PORT: '0',
      BINANCE_PROXY_OPERATOR_PORT: '0',
      BINANCE_PROXY_UPSTREAM_SPOT: `http://${origin}`,
      BINANCE_PROXY_UPSTREAM_USDM: `http://${origin}`,
      BINANCE_PROXY_UPSTREAM_COINM: `http://${origin}`,
      BINANCE_PROXY_UPSTREAM_SPOT_WS_API: `ws://${origin}`,
    },
  }),
});

const direct = await measure(`ws://${origin}/ws-api/v3`);
const proxied = await measure(`${proxy.url.replace('http', 'ws')}/ws-api/v3`);
let isWithin = true;
for (const kind of ['oneWayMs', 'roundTripMs'] as const) {
  const rows = [50, 90, 99].map((percent) => {
    const [without, withProxy] = [percentile(direct[kind], percent), percentile(proxied[kind], percent)];
    if (kind === 'oneWayMs' && percent === 50) isWithin = withProxy - without < BUDGET_MS;
    return `p${percent} ${without.toFixed(3)} -> ${withProxy.toFixed(3)} (+${(withProxy - without).toFixed(3)})`;
  });
  process.stdout.write(`${kind}: ${rows.join('   ')}\n`);
}
await proxy.close(1_000);
server.close();
wss.close();
for (const socket of wss.clients) socket.terminate();
process.exitCode = isWithin ? 0 : 1;

async function measure(url: string): Promise<Times> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await once(socket, 'open');
  const times: Times = { oneWayMs: [], roundTripMs: [] };
  const params = {
    symbol: 'BTCUSDT',
    side: 'BUY',
    type: 'LIMIT',
    timeInForce: 'GTC',
    quantity: '0.01',
    price: '50000.00',
  };
  for (let id = 0; id < FRAMES + WARM_UP; id++) {
    const frame = JSON.stringify({
      id,
      method: 'order.place',
      params: { ...params, newClientOrderId: `bench-${id}` },
    });
    const startMs = performance.now();
    socket.send(frame);
    await once(socket, 'message');
    const endMs = performance.now();
    if (id >= WARM_UP) {
      times.oneWayMs.push(arrivedMs - startMs);
      times.roundTripMs.push(endMs - startMs);
    }
    // Below the proxy's own limit of frames in a second.
    if (id % 200 === 0) await new Promise((resolve) => setTimeout(resolve, 400));
  }
  socket.close();
  return times;
}

function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length * percent) / 100)] ?? 0;
}
