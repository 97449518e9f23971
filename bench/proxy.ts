import { mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Target } from './peers.ts';
import { CPU_PROXY, freePort, start, untilAnswered } from './programs.ts';
import { CLIENT_KEY, KEY, REPOSITORY, SECRET } from './workshop.ts';

export const PROXY = 'binance-signing-proxy';

export interface ProxyOptions {
  readonly upstream: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly yaml?: string;
  readonly nodeFlags?: readonly string[];
  readonly source?: string;
}

let started = 0;

/**
 * This proxy as it serves in production: client key, policy, budgets, server clock, metrics, both audit records, on
 * stdout (a file) and in the chained audit file.
 */
export async function startProxy(folder: string, options: ProxyOptions): Promise<Target> {
  const own = join(folder, `proxy-${++started}`);
  mkdirSync(own);
  const port = String(await freePort());
  const env = proxyEnvironment(own, options.upstream, port, String(await freePort()));
  if (options.yaml !== undefined) {
    writeFileSync(join(own, 'proxy.yaml'), options.yaml);
    env.BINANCE_PROXY_CONFIG = join(own, 'proxy.yaml');
  }
  const main = join(options.source ?? REPOSITORY, 'src', 'main.ts');
  const program = start([process.execPath, ...(options.nodeFlags ?? []), main, 'serve'], {
    cpu: CPU_PROXY,
    cwd: own,
    stdout: openSync(join(own, 'stdout.log'), 'w', 0o600),
    env: { ...env, ...options.env },
  });
  const url = `http://127.0.0.1:${port}`;
  await untilAnswered(`${url}/api/v3/time`, program);
  return { name: PROXY, url, program, needsWarmUp: true };
}

/** The configuration of the bench, as environment variables. */
export function proxyEnvironment(
  folder: string,
  upstream: string,
  port: string,
  operatorPort: string,
): Record<string, string> {
  return {
    BINANCE_API_KEY: KEY,
    BINANCE_API_SECRET: SECRET,
    BINANCE_PROXY_ENVIRONMENT: 'simulator',
    ...Object.fromEntries(
      ['SPOT', 'USDM', 'COINM', 'OPTIONS', 'PORTFOLIO'].map((name) => [
        `BINANCE_PROXY_UPSTREAM_${name}`,
        upstream,
      ]),
    ),
    BINANCE_PROXY_CLIENT_KEY: CLIENT_KEY,
    BINANCE_PROXY_HOST: '127.0.0.1',
    BINANCE_PROXY_PORT: port,
    BINANCE_PROXY_OPERATOR_PORT: operatorPort,
    BINANCE_PROXY_AUDIT_DIR: join(folder, 'audit'),
  };
}
