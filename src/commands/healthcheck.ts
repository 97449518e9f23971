import { request } from 'node:http';
import { command, EXIT } from './base/cli.ts';
import { operatorAddress } from './operator/operator-address.ts';

const USAGE = `Usage: binance-signing-proxy healthcheck

Asks the running proxy's operator listener for /readyz: exit 0 when it is ready, 1 when not, with the names of its reasons.

Examples:
  binance-signing-proxy healthcheck
  BINANCE_PROXY_OPERATOR_PORT=9081 binance-signing-proxy healthcheck`;

/** The container's own health check: needs no shell and no curl. It runs every two seconds. */
export const healthcheck = command({ name: 'healthcheck', usage: USAGE, options: {}, run: askReadiness });

async function askReadiness(): Promise<number> {
  const url = new URL('/readyz', await operatorAddress());
  try {
    const { status, text } = await get(url);
    console.log(text);
    return status === 200 ? EXIT.ok : EXIT.problem;
  } catch (error) {
    console.error(
      `The operator listener on ${url.host} does not answer: ${(error as NodeJS.ErrnoException).code ?? 'error'}.`,
    );
    return EXIT.problem;
  }
}

function get(url: URL): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { timeout: 3_000, headers: { host: 'localhost' } }, (incoming) => {
      let text = '';
      incoming.setEncoding('utf8');
      incoming.on('data', (chunk: string) => {
        text += chunk;
      });
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, text }));
    });
    outgoing.on('timeout', () =>
      outgoing.destroy(Object.assign(new Error('timeout'), { code: 'ETIMEDOUT' })),
    );
    outgoing.on('error', reject);
    outgoing.end();
  });
}
