// The lines of docs/clients.md as an app of a newcomer has them. Its arguments: the .env that holds the issued pair, the port.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const ccxt = createRequire(import.meta.url)('ccxt');
const proxy = `http://localhost:${process.argv[3]}`;
const lines = readFileSync(process.argv[2], 'utf8').split('\n');
const pair = Object.fromEntries(lines.map((line) => line.split('=')));
const api = {};
for (const [name, url] of Object.entries(new ccxt.binance().urls.api))
  api[name] = proxy + new URL(url).pathname;
const keys = { apiKey: pair.BINANCE_PROXY_CLIENT_KEY, secret: pair.BINANCE_PROXY_CLIENT_SECRET };
const balance = await new ccxt.binance({ ...keys, urls: { api } }).fetchBalance();
process.stdout.write('USDT' in balance ? 'answered\n' : 'no USDT\n');
