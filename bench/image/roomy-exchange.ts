/**
 * The embedded exchange in a process of its own, for a load that its usual limits would refuse: what is measured is the
 * proxy. The key comes in BINANCE_API_KEY and BINANCE_API_SECRET; its address is the one line that it prints.
 */
import { startSimulator } from '../../src/simulator/simulator.ts';

const { BINANCE_API_KEY: apiKey = '', BINANCE_API_SECRET: hmacSecret = '' } = process.env;
const { url } = await startSimulator({
  accounts: [{ apiKey, hmacSecret, balances: { USDT: '100000' } }],
  limits: { sapiIpWeightPerMinute: 1_000_000 },
});
process.stdout.write(`${url}\n`);
