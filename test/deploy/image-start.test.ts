import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { send } from '../support/clients/http.ts';
import { connectApp } from '../support/clients/ws-app.ts';
import { folderWith } from '../support/fixtures/config-folder.ts';
import { readPrometheusText, sampleOf } from '../support/fixtures/prometheus-text.ts';
import { type ImageLayout, imageIn, layOutImage } from '../support/images/image-layout.ts';
import { addressesOf, type Child, runToEnd, startChild } from '../support/processes/child.ts';
import { askOperator, OPERATOR_ENV, TEST_KEY, TEST_SECRET, upstreamsAt } from '../support/servers/proxy.ts';
import { hasRedisServer, sayWhatIsLeftOut, startRedisServer } from '../support/servers/redis-server.ts';

const CLIENT_KEY = 'issuedKEYissuedKEYissuedKEYissuedKEYissuedKEYissuedKEYissuedKEY1';

sayWhatIsLeftOut('the Redis budgets of the image');

let simulator: Simulator;
let filled: string;
beforeAll(async () => {
  filled = mkdtempSync(join(tmpdir(), 'image-'));
  layOutImage(filled);
  simulator = await startSimulator({ accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET }] });
});
afterAll(async () => {
  await simulator.close();
  rmSync(filled, { recursive: true, force: true });
});

/** A copy of the image for one test, with secrets mounted. */
function freshImage(): ImageLayout {
  const root = folderWith({
    'run/secrets/api_key': `${TEST_KEY}\n`,
    'run/secrets/api_secret': `${TEST_SECRET}\n`,
    'run/secrets/client_key': CLIENT_KEY,
    'outside/secret': 'nobody may read this',
  });
  cpSync(filled, root, { recursive: true });
  return imageIn(root);
}

function environmentFor({ root, env }: ImageLayout): Readonly<Record<string, string>> {
  return {
    ...env,
    BINANCE_PROXY_PORT: '0',
    BINANCE_PROXY_OPERATOR_PORT: '0',
    BINANCE_PROXY_ENVIRONMENT: 'simulator',
    BINANCE_PROXY_KEY_PREFLIGHT: 'enforce',
    BINANCE_API_KEY_FILE: join(root, 'run/secrets/api_key'),
    BINANCE_API_SECRET_FILE: join(root, 'run/secrets/api_secret'),
    BINANCE_PROXY_CLIENT_KEY_FILE: join(root, 'run/secrets/client_key'),
    BINANCE_PROXY_AUDIT_DIR: join(root, 'var/lib/binance-proxy/audit'),
    BINANCE_PROXY_STATE_DIR: join(root, 'var/lib/binance-proxy/state'),
    ...OPERATOR_ENV,
    ...upstreamsAt(simulator.url),
  };
}

function serve(image: ImageLayout, env: Readonly<Record<string, string>>): Child {
  return startChild([...image.entrypoint, 'serve'], { cwd: image.cwd, env });
}

function run(image: ImageLayout, ...args: readonly string[]) {
  return runToEnd([...image.entrypoint, ...args], { cwd: image.cwd, env: environmentFor(image) });
}

async function stopped(child: Child): Promise<readonly [code: number | null, stderr: string]> {
  child.kill('SIGTERM');
  const { code, stderr } = await child.ended;
  return [code, stderr];
}

describe('the start command of the image', () => {
  it('The image has the build, the catalogue, package.json and LICENSE at hand, and no package', () => {
    const { cwd } = imageIn(filled);
    expect(readdirSync(cwd).toSorted()).toEqual(['LICENSE', 'config', 'dist', 'package.json']);
    expect(readdirSync(join(cwd, 'config'))).toEqual(['catalogue']);
    expect(readdirSync(join(cwd, 'dist')).toSorted()).toEqual(['THIRD-PARTY-LICENSES', 'program']);
    expect(existsSync(join(cwd, 'node_modules'))).toBe(false);
  });

  it('The image serves, signs, records, refuses and stops within its grace, with Node’s permissions alone', async () => {
    simulator.reset();
    const image = freshImage();
    const env = environmentFor(image);
    const child = serve(image, env);
    const { url, operatorUrl } = await addressesOf(child);
    const port = Number(new URL(url).port);
    const headers = { 'x-mbx-apikey': CLIENT_KEY };
    const reply = await send(port, '/api/v3/account', { headers });
    expect([reply.status, reply.headers['x-proxy-outcome']]).toEqual([200, 'answered']);
    const signed = simulator.requests.find(({ path }) => path === '/api/v3/account');
    expect([signed?.verified, signed?.status]).toEqual([true, 200]);
    const refused = await send(port, '/sapi/v1/capital/withdraw/apply', { method: 'POST', headers });
    expect([refused.status, refused.headers['x-proxy-error']]).toEqual([403, 'PROXY_DENYLISTED']);
    expect((await send(port, '/api/v3/account')).status).toBe(401);

    const operatorPort = Number(new URL(operatorUrl).port);
    for (const path of ['/', '/console/console.js', '/console/style.css', '/console/icon.svg'])
      expect([path, (await send(operatorPort, path)).status]).toEqual([path, 200]);
    expect((await askOperator(operatorUrl, '/operator/records?event=call&limit=5')).status).toBe(200);
    const families = readPrometheusText((await send(operatorPort, '/metrics')).text);
    for (const name of ['process_resident_memory_bytes', 'process_open_fds', 'process_max_fds'])
      expect([name, sampleOf(families, name)]).toEqual([name, expect.toSatisfy((value) => value > 0)]);

    const healthy = await runToEnd(image.healthcheck, {
      cwd: image.cwd,
      env: { ...env, BINANCE_PROXY_OPERATOR_PORT: String(operatorPort) },
    });
    expect([healthy.code, healthy.stderr]).toEqual([0, '']);
    expect(await stopped(child)).toEqual([0, '']);

    const trail = await run(image, 'audit', 'verify', join(image.root, 'var/lib/binance-proxy/audit'));
    expect([trail.code, trail.stderr]).toEqual([0, '']);
  });

  it('The image reads a replaced key by its own command without a shell, and by itself when told so', async () => {
    simulator.reset();
    const image = freshImage();
    const env = { ...environmentFor(image), BINANCE_PROXY_WATCH_SECRETS: '1' };
    const child = serve(image, env);
    await addressesOf(child);
    // What docs/operations.md says for engines: Node and the program, without the start line's permissions.
    const ran = await runToEnd([join('dist', 'program', 'main.js'), 'reload'], { cwd: image.cwd, env });
    expect([ran.code, ran.stderr, ran.stdout]).toEqual([0, '', expect.stringMatching(/^Loaded\./)]);
    const before = child.recordCount;
    writeFileSync(join(image.root, 'run/secrets/client_key'), CLIENT_KEY.replaceAll('issued', 'newest'));
    expect(await child.record('config.loaded', before)).toMatchObject({
      detail: { keysReplaced: 'default' },
    });
    expect(await stopped(child)).toEqual([0, '']);
  });

  it('The image serves on a Unix socket under the same permissions', async () => {
    const image = freshImage();
    const socket = join(image.root, 'run/binance-proxy/p.sock');
    const child = serve(image, { ...environmentFor(image), BINANCE_PROXY_SOCKET: socket });
    expect((await addressesOf(child)).url).toBe(socket);
    expect(await stopped(child)).toEqual([0, '']);
  });

  it('The image signs the frames of a WebSocket, and those of withdrawals never', async () => {
    simulator.reset();
    const image = freshImage();
    const wsUrl = simulator.url.replace('http', 'ws');
    const child = serve(image, { ...environmentFor(image), BINANCE_PROXY_UPSTREAM_SPOT_WS_API: wsUrl });
    const { port } = new URL((await addressesOf(child)).url);
    const app = await connectApp(`ws://127.0.0.1:${port}/ws-api/v3`, {
      headers: { 'x-mbx-apikey': CLIENT_KEY },
    });
    expect(await app.ask('account.status')).toMatchObject({ status: 200, result: { accountType: 'SPOT' } });
    expect(await app.ask('sapi.withdraw')).toMatchObject({ error: { code: expect.any(Number) } });
    await app.close();
    expect(await stopped(child)).toEqual([0, '']);
  });

  it('The image says every mistake of a YAML file with line and column', async () => {
    const image = freshImage();
    const path = join(image.root, 'etc/binance-proxy/proxy.yaml');
    writeFileSync(path, 'throttle: { maxWaitMs: soon }\nrecvWindow: 5\n');
    const child = serve(image, { ...environmentFor(image), BINANCE_PROXY_CONFIG: path });
    const { code, stderr } = await child.ended;
    expect([code, stderr.split('\n').map((line) => line.replace(path, ''))]).toEqual([
      78,
      [
        ':1:24 throttle.maxWaitMs must be a whole number from 0 to 60000.',
        ':2:1 recvWindow is not a known key: did you mean recvWindowMs?',
        '',
      ],
    ]);
  });

  it('The image does not start with a broken catalogue, and says what is broken', async () => {
    const image = freshImage();
    const path = join(image.cwd, 'config/catalogue/spot.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"SIGNED"', '"SINGED"'));
    const { code, stdout, stderr } = await serve(image, environmentFor(image)).ended;
    expect(code).toBe(1);
    expect(stdout + stderr).toMatch(/The catalogue has problems:\n- spot\.json\/endpoints\/\d+\/security: /);
  });

  it.each([
    ['check', ['check'], /SPOT|spot/],
    ['check --offline', ['check', '--offline'], /spot/],
    ['client new', ['client', 'new', 'grid-bot'], /^GRID_BOT_CLIENT_KEY=\w{64}$/m],
    ['demo', ['demo'], /(\d+) of \1 signed requests verified at the exchange; withdrawals there: 0\./],
    ['--help', ['--help'], /^Usage: binance-signing-proxy/],
  ])('The image runs %s', async (_name, args, expected) => {
    const { code, stdout, stderr } = await run(freshImage(), ...args);
    expect([code, stdout]).toEqual([0, expect.stringMatching(expected)]);
    expect(stderr).not.toMatch(/\bat .*\.js:\d/);
  });

  it.skipIf(!hasRedisServer)('The image shares its budgets through Redis', async () => {
    const redis = await startRedisServer();
    onTestFinished(() => redis.stop());
    const image = freshImage();
    const child = serve(image, { ...environmentFor(image), BINANCE_PROXY_REDIS_URL: redis.url.reveal() });
    const { url, operatorUrl } = await addressesOf(child);
    const headers = { 'x-mbx-apikey': CLIENT_KEY };
    const reader = new Redis(redis.url.reveal());
    onTestFinished(() => reader.disconnect());
    // A machine that is busy may let one answer of Redis come too late, and the proxy goes on alone for a while.
    await vi.waitFor(
      async () => {
        const reply = await send(Number(new URL(url).port), '/api/v3/account', { headers });
        expect([reply.status, reply.headers['x-proxy-outcome']]).toEqual([200, 'answered']);
        const state = await askOperator(operatorUrl, '/operator/status');
        expect(state.json).toMatchObject({ ready: true, budgets: { degraded: false } });
        expect(await reader.dbsize()).toBeGreaterThan(0);
      },
      { timeout: 50_000, interval: 200 },
    );
    expect(await stopped(child)).toEqual([0, '']);
  });

  it.each([
    ['read what is outside', "require('node:fs').readFileSync(process.argv[1], 'utf8')"],
    ['write into the program', "require('node:fs').writeFileSync('dist/program/x.js', '')"],
    ['start a process', "require('node:child_process').execFileSync('true')"],
    ['start a worker', "new (require('node:worker_threads').Worker)('1', { eval: true })"],
    ['open the inspector', "require('node:inspector').open(0)"],
  ])('The image cannot %s', async (_what, script) => {
    const { root, cwd, entrypoint } = freshImage();
    const outside = join(root, 'outside/secret');
    const { code, stderr } = await runToEnd([...entrypoint.slice(0, -1), '-e', script, outside], { cwd });
    expect([code, /ERR_ACCESS_DENIED/.test(stderr)]).toEqual([1, true]);
  });
});
