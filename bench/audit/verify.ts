import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { serveOn } from '../support/programs.ts';
import { CLIENT_KEY, KEY, SECRET } from '../support/workshop.ts';

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const CHECKS: readonly (readonly [method: string, target: string, body?: string])[] = [
  ['GET', '/api/v3/account'],
  ['GET', '/api/v3/openOrders?symbol=BTCUSDT'],
  ['POST', '/api/v3/order?symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1'],
  ['POST', '/api/v3/order', 'symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=9000'],
  ['POST', '/api/v3/order?symbol=BTCUSDT&side=BUY', 'type=LIMIT&timeInForce=GTC&quantity=1&price=9000'],
  ['DELETE', '/api/v3/order?symbol=BTCUSDT&orderId=1'],
  ['GET', '/api/v3/allOrders?symbol=%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT'],
];

/** An upstream that judges stamp and signature as Binance does: HMAC over query and body, less the signature itself. */
export async function startVerifier(): Promise<{ origin: string; close(): void }> {
  const { origin, server } = await serveOn(
    createServer((request, response) => void judge(request, response)),
  );
  return {
    origin,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** What a signing proxy in front of the verifier does wrong; empty when it signs rightly. */
export async function findSigningFaults(url: string): Promise<string[]> {
  const faults: string[] = [];
  for (const [method, target, body] of CHECKS) {
    const headers = { 'x-mbx-apikey': CLIENT_KEY, ...(body === undefined ? {} : FORM) };
    const answer = await fetch(url + target, { method, headers, ...(body === undefined ? {} : { body }) });
    const text = await answer.text();
    if (answer.status !== 200 || text !== '{"ok":true}')
      faults.push(`${method} ${target}: ${answer.status} ${text}`);
  }
  return faults;
}

async function judge(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = (await buffer(request)).toString('latin1');
  const [path = '', query = ''] = (request.url ?? '').split('?');
  const fault = isUnsigned(path) ? undefined : faultOf(request, query, body);
  response.writeHead(fault === undefined ? 200 : 400, { 'content-type': 'application/json' });
  if (path === '/api/v3/time') response.end(JSON.stringify({ serverTime: Date.now() }));
  else response.end(fault === undefined ? '{"ok":true}' : JSON.stringify({ fault }));
}

function isUnsigned(path: string): boolean {
  return path === '/api/v3/time' || path.endsWith('/exchangeInfo');
}

function faultOf(request: IncomingMessage, query: string, body: string): string | undefined {
  if (request.headers['x-mbx-apikey'] !== KEY) return 'key';
  const payload = `${query}${body}`;
  const mark = payload.lastIndexOf('&signature=');
  const tail = payload.slice(mark + '&signature='.length);
  const signature = tail.slice(0, 64);
  const signed = payload.slice(0, mark) + tail.slice(64);
  if (mark === -1 || createHmac('sha256', SECRET).update(signed).digest('hex') !== signature)
    return 'signature';
  const stamp = new URLSearchParams(query.includes('timestamp=') ? query : body);
  const age = Date.now() - Number(stamp.get('timestamp'));
  if (!(age > -1_000 && age < 5_000)) return 'timestamp';
  return stamp.get('recvWindow') === '5000' ? undefined : 'recvWindow';
}
