import { readFileSync } from 'node:fs';
import { startSimulator } from '../../src/simulator/simulator.ts';

/**
 * The exchange of the compose test: the simulator behind TLS, on the port and under the names of Binance's testnet.
 * Usage: node stand-in.ts FOLDER, which has `binance_api_key`, `binance_api_secret`, `stand-in.key` and `stand-in.crt`.
 */
const folder = process.argv[2] ?? '.';
const read = (name: string) => readFileSync(`${folder}/${name}`, 'utf8').trim();

const { url } = await startSimulator({
  host: '0.0.0.0',
  port: 443,
  sapi: false,
  tls: { key: read('stand-in.key'), cert: read('stand-in.crt') },
  accounts: [
    {
      apiKey: read('binance_api_key'),
      hmacSecret: read('binance_api_secret'),
      balances: { USDT: '100000', BTC: '1' },
    },
  ],
});
process.stdout.write(`stands in on ${url}\n`);
