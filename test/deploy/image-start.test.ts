import { cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { folderWith } from '../config/folder.ts';
import { addressesOf, runToEnd, startChild } from '../helpers/child.ts';
import { send } from '../helpers/http.ts';
import { readPrometheusText, sampleOf } from '../helpers/prometheus-text.ts';
import { TEST_KEY, TEST_SECRET } from '../helpers/proxy.ts';
import { argsOf, execForm, readDockerfile, stageOf } from './dockerfile.ts';
import { readLockfile } from './lockfile.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const runtime = stageOf(readDockerfile(), 'runtime');
const CLIENT_KEY = 'issuedKEYissuedKEYissuedKEYissuedKEYissuedKEYissuedKEYissuedKEY1';

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({ accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET }] });
});
afterAll(() => simulator.close());

/** The folders of the image, filled as the Dockerfile's last stage fills them, with production packages only. */
function layOut(): string {
  const image = folderWith({
    'run/secrets/api_key': `${TEST_KEY}\n`,
    'run/secrets/api_secret': `${TEST_SECRET}\n`,
    'run/secrets/client_key': CLIENT_KEY,
    'outside/secret': 'nobody may read this',
  });
  for (const folder of ['var/lib/binance-proxy', 'run/binance-proxy', 'etc/binance-proxy'])
    mkdirSync(join(image, folder), { recursive: true });
  for (const { path, dev } of readLockfile()) {
    if (dev || path.lastIndexOf('node_modules/') > 0 || !existsSync(join(root, path))) continue;
    cpSync(join(root, path), join(image, 'app', path), { recursive: true });
  }
  for (const { name, args } of runtime.instructions) {
    if (name !== 'COPY' || args.startsWith('--')) continue;
    const paths = args.split(' ');
    const target = paths.at(-1) ?? '';
    for (const path of paths.slice(0, -1)) {
      const to = target.endsWith('/') ? join(target, path) : target;
      mkdirSync(dirname(join(image, 'app', to)), { recursive: true });
      cpSync(join(root, path), join(image, 'app', to), { recursive: true });
    }
  }
  return image;
}

/** A command of the image with its absolute paths moved into the folder. */
function moved(image: string, command: readonly string[]): readonly string[] {
  return command
    .slice(1)
    .map((word) => word.replace(/^(--allow-fs-(?:read|write)=)(?!\/proc\/)/, `$1${image}`));
}

describe('the start command of the image', () => {
  const entry = execForm(argsOf(runtime, 'ENTRYPOINT'));
  const probe = execForm(argsOf(runtime, 'HEALTHCHECK'));

  it('serves, signs, records and stops within its grace, with production packages and Node’s permissions alone', async () => {
    simulator.reset();
    const image = layOut();
    expect(readdirSync(join(image, 'app')).toSorted()).toEqual([
      'LICENSE',
      'config',
      'node_modules',
      'package.json',
      'src',
    ]);
    expect(existsSync(join(image, 'app/node_modules/vitest'))).toBe(false);
    const env = {
      NODE_ENV: 'production',
      BINANCE_PROXY_HOST: '0.0.0.0',
      BINANCE_PROXY_PORT: '0',
      BINANCE_PROXY_OPERATOR_PORT: '0',
      BINANCE_PROXY_ENVIRONMENT: 'simulator',
      BINANCE_PROXY_KEY_PREFLIGHT: 'enforce',
      BINANCE_API_KEY_FILE: join(image, 'run/secrets/api_key'),
      BINANCE_API_SECRET_FILE: join(image, 'run/secrets/api_secret'),
      BINANCE_PROXY_CLIENT_KEY_FILE: join(image, 'run/secrets/client_key'),
      BINANCE_PROXY_AUDIT_DIR: join(image, 'var/lib/binance-proxy/audit'),
      BINANCE_PROXY_STATE_DIR: join(image, 'var/lib/binance-proxy/state'),
      ...Object.fromEntries(
        ['SPOT', 'USDM', 'COINM', 'OPTIONS', 'PORTFOLIO'].map((name) => [
          `BINANCE_PROXY_UPSTREAM_${name}`,
          simulator.url,
        ]),
      ),
    };
    const cwd = join(image, 'app');
    const child = startChild([...moved(image, entry), 'serve'], { cwd, env });
    const { url, operatorUrl } = await addressesOf(child);
    const headers = { 'x-mbx-apikey': CLIENT_KEY };
    const reply = await send(Number(new URL(url).port), '/api/v3/account', { headers });
    expect([reply.status, reply.headers['x-proxy-outcome']]).toEqual([200, 'answered']);
    const signed = simulator.requests.find(({ path }) => path === '/api/v3/account');
    expect([signed?.verified, signed?.status]).toEqual([true, 200]);
    expect(
      readdirSync(join(image, 'var/lib/binance-proxy/audit')).some((name) => name.endsWith('.ndjson')),
    ).toBe(true);

    const operatorPort = Number(new URL(operatorUrl).port);
    const families = readPrometheusText((await send(operatorPort, '/metrics')).text);
    for (const name of ['process_resident_memory_bytes', 'process_open_fds', 'process_max_fds'])
      expect([name, sampleOf(families, name)]).toEqual([name, expect.toSatisfy((value) => value > 0)]);

    const healthy = await runToEnd(moved(image, probe), {
      cwd,
      env: { ...env, BINANCE_PROXY_OPERATOR_PORT: String(operatorPort) },
    });
    expect([healthy.code, healthy.stderr]).toEqual([0, '']);

    child.kill('SIGTERM');
    const { code, stderr } = await child.ended;
    expect([code, stderr]).toEqual([0, '']);
  });

  it('serves on a Unix socket under the same permissions', async () => {
    const image = layOut();
    const child = startChild([...moved(image, entry), 'serve'], {
      cwd: join(image, 'app'),
      env: {
        BINANCE_PROXY_ENVIRONMENT: 'simulator',
        BINANCE_PROXY_UPSTREAM_SPOT: simulator.url,
        BINANCE_PROXY_SOCKET: join(image, 'run/binance-proxy/p.sock'),
        BINANCE_PROXY_OPERATOR_PORT: '0',
        BINANCE_API_KEY: TEST_KEY,
        BINANCE_API_SECRET: TEST_SECRET,
      },
    });
    expect((await addressesOf(child)).url).toBe(join(image, 'run/binance-proxy/p.sock'));
    child.kill('SIGTERM');
    expect((await child.ended).code).toBe(0);
  });

  it.each([
    ['read what is outside', "require('node:fs').readFileSync(process.argv[1], 'utf8')"],
    ['write into the program', "require('node:fs').writeFileSync('src/x.ts', '')"],
    ['start a process', "require('node:child_process').execFileSync('true')"],
    ['start a worker', "new (require('node:worker_threads').Worker)('1', { eval: true })"],
    ['open the inspector', "require('node:inspector').open(0)"],
  ])('cannot %s', async (_what, script) => {
    const image = folderWith({ 'app/src/main.ts': '', 'outside/secret': 'x' });
    const flags = moved(image, entry).slice(0, -1);
    const outside = join(image, 'outside/secret');
    const { code, stderr } = await runToEnd([...flags, '-e', script, outside], { cwd: join(image, 'app') });
    expect([code, /ERR_ACCESS_DENIED/.test(stderr)]).toEqual([1, true]);
  });
});
