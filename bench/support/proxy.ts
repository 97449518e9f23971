import { existsSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ImageLayout, imageIn, layOutImage } from '../../test/support/images/image-layout.ts';
import type { Target } from './peer-programs.ts';
import { CPU_PROXY, freePort, start, untilAnswered } from './programs.ts';
import { CLIENT_KEY, KEY, SECRET } from './workshop.ts';

export const PROXY = 'binance-signing-proxy';

export interface ProxyOptions {
  readonly upstream: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly yaml?: string;
  /** Further flags for Node; the last of a kind holds. */
  readonly nodeFlags?: readonly string[];
  /** A repository whose sources are to run as they are, in a plain Node, instead of the build in the image's. */
  readonly source?: string;
}

let started = 0;

/**
 * This proxy as it serves in production: the build under the image's Node flags, with client key, policy, budgets, server
 * clock, metrics, both audit records, on stdout (a file) and in the chained audit file.
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
  const command = commandOf(folder, own, options);
  const program = start([process.execPath, ...command.args, 'serve'], {
    cpu: CPU_PROXY,
    cwd: command.cwd,
    stdout: openSync(join(own, 'stdout.log'), 'w', 0o600),
    env: { ...command.env, ...env, ...options.env },
  });
  const url = `http://127.0.0.1:${port}`;
  await untilAnswered(`${url}/api/v3/time`, program);
  return { name: PROXY, url, program, needsWarmUp: true };
}

interface Command {
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/** The image's command; the files of the bench are outside of the image's folders, so they are allowed too. */
function commandOf(folder: string, own: string, { source, nodeFlags = [] }: ProxyOptions): Command {
  if (source !== undefined)
    return { args: [...nodeFlags, join(source, 'src', 'main.ts')], cwd: own, env: {} };
  const { entrypoint, cwd, env } = imageOf(folder);
  const files = [`--allow-fs-read=${folder}`, `--allow-fs-write=${folder}`];
  return { args: [...files, ...entrypoint.slice(0, -1), ...nodeFlags, ...entrypoint.slice(-1)], cwd, env };
}

/** The image of this run, built when it is asked for first. */
export function imageOf(folder: string): ImageLayout {
  const root = join(folder, 'image');
  return existsSync(root) ? imageIn(root) : layOutImage(root);
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
