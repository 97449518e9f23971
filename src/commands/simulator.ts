import { ENVIRONMENTS, ORIGIN_NAMES } from '../config/schema/environments.ts';
import { originVariable } from '../config/schema/variables.ts';
import { readEnvironment } from '../config/sources/read-environment.ts';
import { readToken } from '../config/sources/read-secret.ts';
import { demoAccount } from '../simulator/accounts/demo-account.ts';
import { type Simulator, startSimulator } from '../simulator/simulator.ts';
import { command, EXIT, UsageError } from './base/cli.ts';

const USAGE = `Usage: binance-signing-proxy simulator [--port 9080]

Starts the embedded exchange alone, on 127.0.0.1, with a throw-away account, and prints the lines with which a proxy
trades on it. It keeps everything in memory and forgets it when it stops. With BINANCE_PROXY_ENVIRONMENT=simulator and a
key in the environment or .env of this folder, as "init --environment simulator" writes them, it takes that key.

Examples:
  binance-signing-proxy simulator
  binance-signing-proxy simulator --port 9090`;

const DEFAULT_PORT = 9080;

/** The embedded exchange alone, until it is told to stop. */
export const simulator = command({
  name: 'simulator',
  usage: USAGE,
  options: { port: { type: 'string' } },
  run: ({ port }) => simulate(Number(port ?? DEFAULT_PORT)),
});

async function simulate(port: number): Promise<number> {
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new UsageError('--port must be a number from 0 to 65535.');
  }
  const known = configuredPair();
  const account = { ...demoAccount(), ...known };
  let running: Simulator;
  try {
    running = await startSimulator({ accounts: [account], port });
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    const isTaken = code === 'EADDRINUSE';
    console.error(
      `The simulator cannot listen on port ${port} of 127.0.0.1 (${code}): ${isTaken ? 'another program does; stop that one, or choose' : 'choose'} another port with --port, 0 for any free one.`,
    );
    return isTaken ? EXIT.notNow : EXIT.configuration;
  }
  if (known === undefined) {
    console.log(`The simulator serves on ${running.url}. A proxy for it:\n`);
    console.log(
      `BINANCE_PROXY_ENVIRONMENT=simulator\nBINANCE_API_KEY=${account.apiKey}\nBINANCE_API_SECRET=${account.hmacSecret}`,
    );
  } else console.log(`The simulator serves on ${running.url}, for the key that is configured here.`);
  if (running.port !== DEFAULT_PORT) {
    const usual = ENVIRONMENTS.simulator;
    for (const name of ORIGIN_NAMES) {
      if (usual[name] === undefined) continue;
      const url = usual[name].startsWith('ws:') ? running.url.replace('http', 'ws') : running.url;
      console.log(`${originVariable(name)}=${url}`);
    }
  }
  await new Promise<void>((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
  await running.close();
  return EXIT.ok;
}

/** The pair that a proxy in this folder signs with, where that is configured for the simulator. */
function configuredPair(): { readonly apiKey: string; readonly hmacSecret: string } | undefined {
  const cwd = process.cwd();
  const env = readEnvironment(cwd, process.env);
  if (env.BINANCE_PROXY_ENVIRONMENT !== 'simulator') return undefined;
  const sources = { env, cwd, problems: [], secrets: [], warnings: [] };
  const apiKey = readToken(sources, 'BINANCE_API_KEY');
  const secret = readToken(sources, 'BINANCE_API_SECRET');
  if (typeof apiKey !== 'object' || typeof secret !== 'object') return undefined;
  return { apiKey: apiKey.text, hmacSecret: secret.text };
}
