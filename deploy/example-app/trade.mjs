// An app that trades and holds no Binance key: it shows the key that the signing proxy issued, signs nothing, and
// uses Binance's own paths. Any Binance library does the same once its base URL and key are set so. Its order is a test
// order, which Binance checks and does not place; with PLACE_ORDERS=yes it is placed.
import { readFileSync } from 'node:fs';

const baseUrl = process.env.BINANCE_BASE_URL ?? 'http://127.0.0.1:8080';
const keyFile = process.env.CLIENT_KEY_FILE;
const key = (keyFile === undefined ? process.env.CLIENT_KEY : readFileSync(keyFile, 'utf8'))?.trim() ?? '';

async function call(method, path, parameters = {}) {
  const query = new URLSearchParams(parameters).toString();
  const target = `${baseUrl}${path}${query === '' ? '' : `?${query}`}`;
  const response = await fetch(target, { method, headers: { 'x-mbx-apikey': key } });
  const answer = await response.json();
  const outcome = response.headers.get('x-proxy-outcome');
  const shown = JSON.stringify(answer).slice(0, 160);
  process.stdout.write(`${method} ${path} -> ${response.status} ${outcome}: ${shown}\n`);
  return { ok: response.ok, outcome, answer };
}

const price = await call('GET', '/api/v3/ticker/price', { symbol: 'BTCUSDT' });
const account = await call('GET', '/api/v3/account', { omitZeroBalances: 'true' });
const place = process.env.PLACE_ORDERS === 'yes' ? '/api/v3/order' : '/api/v3/order/test';
const order = await call('POST', place, {
  symbol: 'BTCUSDT',
  side: 'BUY',
  type: 'MARKET',
  quoteOrderQty: '20',
});
const withdrawal = await call('POST', '/sapi/v1/capital/withdraw/apply', {
  coin: 'BTC',
  amount: '1',
  address: 'anywhere',
});

// The withdrawal has to be refused before it leaves; everything else has to pass.
const passed = price.ok && account.ok && order.ok;
process.exitCode = passed && !withdrawal.ok && withdrawal.outcome === 'not-sent' ? 0 : 1;
