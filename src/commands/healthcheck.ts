import { request } from 'node:http';
import { loadSettings } from '../config/load-settings.ts';
import { ConfigError } from '../config/problems/config-error.ts';
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
  const { host, port } = operatorAddress();
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

/** The listener's address needs no secret; a configuration that does not load falls back to its variables. */
function operatorAddress(): { readonly host: string; readonly port: number } {
  const env = readEnvironment(process.cwd(), process.env);
  try {
    const { host, port } = loadSettings({ env, cwd: process.cwd() }).operator;
    return { host: host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host, port };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { host: '127.0.0.1', port: Number(env.BINANCE_PROXY_OPERATOR_PORT ?? 8081) };
  }
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
