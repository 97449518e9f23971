import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { readEnvironment } from '../config/sources/read-environment.ts';
import { command, EXIT } from './cli.ts';

const USAGE = `Usage: binance-signing-proxy healthcheck

Asks the running proxy's operator listener for /readyz: exit 0 when it is ready, 1 when not, with its reasons.

Examples:
  binance-signing-proxy healthcheck
  BINANCE_PROXY_OPERATOR_PORT=9081 binance-signing-proxy healthcheck`;

/** The container's own health check: needs no shell and no curl. */
export const healthcheck = command({ name: 'healthcheck', usage: USAGE, options: {}, run: askReadiness });

async function askReadiness(): Promise<number> {
  const { host, port } = await operatorAddress();
  try {
    const { status, text } = await get(host, port, '/readyz');
    console.log(text);
    return status === 200 ? EXIT.ok : EXIT.problem;
  } catch (error) {
    console.error(
      `The operator listener on ${host}:${port} does not answer: ${(error as NodeJS.ErrnoException).code ?? 'error'}.`,
    );
    return EXIT.problem;
  }
}

interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * The listener's address needs no secret. It is asked for every two seconds: what reads and judges a YAML file is loaded
 * only where there is one, and a configuration that does not load falls back to its variables.
 */
async function operatorAddress(): Promise<Address> {
  const cwd = process.cwd();
  const env = readEnvironment(cwd, process.env);
  const { BINANCE_PROXY_OPERATOR_HOST: host, BINANCE_PROXY_OPERATOR_PORT: port } = env;
  const named = { host: reachable(host || '127.0.0.1'), port: Number(port || 8081) };
  if ((env.BINANCE_PROXY_CONFIG ?? '') === '' && !existsSync('config/proxy.yaml')) return named;
  const [{ loadSettings }, { ConfigError }] = await Promise.all([
    import('../config/load-settings.ts'),
    import('../config/problems/config-error.ts'),
  ]);
  try {
    const { operator } = loadSettings({ env, cwd });
    return { host: reachable(operator.host), port: operator.port };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return named;
  }
}

/** An address that stands for all addresses is reached on loopback. */
function reachable(host: string): string {
  if (host === '::') return '::1';
  return host === '0.0.0.0' ? '127.0.0.1' : host;
}

function get(host: string, port: number, path: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host, port, path, timeout: 3_000, headers: { host: 'localhost' } },
      (incoming) => {
        let text = '';
        incoming.setEncoding('utf8');
        incoming.on('data', (chunk: string) => {
          text += chunk;
        });
        incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, text }));
      },
    );
    outgoing.on('timeout', () =>
      outgoing.destroy(Object.assign(new Error('timeout'), { code: 'ETIMEDOUT' })),
    );
    outgoing.on('error', reject);
    outgoing.end();
  });
}
