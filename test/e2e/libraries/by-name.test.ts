import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, it } from 'vitest';
import { BINANCE_HOST_NAMES } from '../../../src/core/binance-hosts.ts';
import { folderWith } from '../../support/fixtures/config-folder.ts';
import { type Child, type Ended, MAIN } from '../../support/processes/child.ts';
import {
  noNamespace,
  startInNetworkOf,
  startInOwnNetwork,
  startInOwnNetworkWithHosts,
  startWithHosts,
} from '../../support/processes/namespace.ts';
import { type ByNameFiles, makeByNameFiles } from '../../support/servers/by-name-files.ts';
import { TEST_KEY, TEST_SECRET } from '../../support/servers/proxy.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const PYTHON_APP = fileURLToPath(new URL('../../support/processes/by-name-app.py', import.meta.url));
const APP_KEY = 'IssuedKeyIssuedKeyIssuedKeyIssuedKeyIssuedKeyIssuedKeyIssuedKey0';
const APP_SECRET = 'IssuedSecretIssuedSecretIssuedSecretIssuedSecretIssuedSecretIssu';
/** Eight processes, one after the other, on a machine that may be busy. */
const LONG_MS = 240_000;
const hasPython = spawnSync('python3', ['--version']).status === 0;

/** What makes the names lead to the proxy; each way of writing a hosts file is one line for all. */
const HOSTS = `127.0.0.1 localhost ${BINANCE_HOST_NAMES.join(' ')}\n`;

/** Nothing is set but the pair: no URL, no proxy, no option. */
const CCXT_APP = `
import ccxt from 'ccxt';
const exchange = new ccxt.binance({ apiKey: process.env.APP_KEY, secret: process.env.APP_SECRET });
await exchange.loadMarkets();
const placed = await exchange.createOrder('BTC/USDT', 'limit', 'buy', 0.01, 20000);
const canceled = await exchange.cancelOrder(placed.id, 'BTC/USDT');
const usdm = await exchange.createOrder('BTC/USDT:USDT', 'limit', 'buy', 0.01, 20000);
const refused = await exchange
  .withdraw('USDT', 1, '0x52908400098527886E0F7030069857D2E4169EE7', undefined, { network: 'ETH' })
  .catch((error) => error.constructor.name);
console.log(JSON.stringify({
  inverse: exchange.market('BTC/USD:BTC').inverse,
  placed: placed.status,
  canceled: canceled.status,
  usdm: usdm.status,
  refused,
}));`;

/** Streams and a signed frame, each at the address that Binance documents. */
const SOCKET_APP = `
import { WebSocket } from 'ws';
const first = (url, frame) => new Promise((resolve, reject) => {
  const socket = new WebSocket(url, { handshakeTimeout: 30000 });
  socket.on('open', () => frame && socket.send(JSON.stringify(frame)));
  socket.on('message', (text) => { resolve(JSON.parse(text)); socket.terminate(); });
  socket.on('error', reject);
});
const apiKey = process.env.APP_KEY;
console.log(JSON.stringify([
  (await first('wss://stream.binance.com:9443/ws/btcusdt@bookTicker')).s,
  (await first('wss://stream.binance.com:443/stream?streams=btcusdt@bookTicker')).stream,
  (await first('wss://fstream.binance.com/ws/btcusdt@bookTicker')).s,
  (await first('wss://ws-api.binance.com:443/ws-api/v3', { id: 1, method: 'account.status', params: { apiKey } })).status,
]));`;

interface Stage {
  readonly proxy: Child;
  /** Runs an app that finds Binance's names in its hosts file, and waits for its end. */
  app(args: readonly string[], command?: string): Promise<Ended>;
}

let files: ByNameFiles;

/** Simulator and proxy in a network of their own; the proxy's hosts file knows none of the names. */
async function openStage(): Promise<Stage> {
  const folder = folderWith({ hosts: HOSTS });
  const simulator = startInOwnNetwork([MAIN, 'simulator'], { cwd: folder });
  const account = await printedAccount(simulator);
  const env = {
    ...account,
    ...files.env,
    BINANCE_PROXY_BY_NAME_PORTS: '443,9443',
    BINANCE_PROXY_CLIENT_KEY: APP_KEY,
    BINANCE_PROXY_CLIENT_SECRET: APP_SECRET,
  };
  const proxy = startInNetworkOf(simulator, [MAIN, 'serve'], { cwd: folder, env });
  await proxy.record('proxy.started');
  const appEnv = {
    APP_KEY,
    APP_SECRET,
    NODE_EXTRA_CA_CERTS: files.caFile,
    SSL_CERT_FILE: files.caFile,
    REQUESTS_CA_BUNDLE: files.caFile,
  };
  return {
    proxy,
    app: (args, command) =>
      startWithHosts(simulator, join(folder, 'hosts'), args, {
        cwd: ROOT,
        env: appEnv,
        ...(command === undefined ? {} : { command }),
      }).ended,
  };
}

/** The account that the simulator prints as lines of an environment. */
async function printedAccount(simulator: Child): Promise<Readonly<Record<string, string>>> {
  let lines: readonly string[] = [];
  await expect
    .poll(() => {
      lines = simulator.lines.filter((line) => /^BINANCE_\w+=/.test(line));
      return lines.length;
    })
    .toBeGreaterThanOrEqual(3);
  return Object.fromEntries(lines.map((line) => line.split('=') as [string, string]));
}

/** What the record of a call says of how it came, for each call of a process that has ended. */
function cameBy(records: readonly Readonly<Record<string, unknown>>[]): readonly string[] {
  return records.map(({ upstream, detail }) => {
    const { byName } = (detail ?? {}) as { readonly byName?: string };
    return `${byName} ${upstream}`;
  });
}

describe.skipIf(noNamespace !== undefined)('apps with nothing set but a key pair and an authority', () => {
  beforeEach(() => {
    files = makeByNameFiles();
    return () => files.remove();
  });

  it('Unchanged apps trade by name on spot, USD-M and COIN-M, hear streams on 9443, and withdraw nothing', {
    timeout: LONG_MS,
  }, async () => {
    const { proxy, app } = await openStage();
    const ccxt = await app(['--input-type=module', '-e', CCXT_APP]);
    expect([ccxt.code, ccxt.stderr]).toEqual([0, '']);
    expect(JSON.parse(ccxt.stdout)).toEqual({
      inverse: true,
      placed: 'open',
      canceled: 'canceled',
      usdm: 'open',
      refused: 'AuthenticationError',
    });
    const sockets = await app(['--input-type=module', '-e', SOCKET_APP]);
    expect([sockets.code, sockets.stderr]).toEqual([0, '']);
    expect(JSON.parse(sockets.stdout)).toEqual(['BTCUSDT', 'btcusdt@bookTicker', 'BTCUSDT', 200]);
    if (hasPython) {
      const python = await app([PYTHON_APP], 'python3');
      expect([python.code, python.stderr]).toEqual([0, '']);
      expect(JSON.parse(python.stdout)).toEqual({
        spot: [200, null],
        order: [200, null],
        usdm: [200, null],
        'usdm data': [200, null],
        coinm: [200, null],
        withdrawal: [403, -1002],
        'wrong host': [421, -1000],
        'wrong place': [404, -1020],
        requests: expect.toBeOneOf([200, 'missing']),
      });
    } else {
      process.stdout.write('python3 is missing here: the raw Python program is left out.\n');
    }
    proxy.kill('SIGTERM');
    const { stdout } = await proxy.ended;
    const records = stdout
      .split('\n')
      .filter((line) => line.startsWith('{"time"'))
      .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
    const signed = cameBy(
      records.filter(({ event, client }) => event === 'call.signed' && client === 'default'),
    );
    expect(new Set(signed)).toEqual(
      new Set([
        'api.binance.com spot',
        'fapi.binance.com usdm',
        'ws-api.binance.com spot',
        ...(hasPython ? ['api1.binance.com spot', 'dapi.binance.com coinm'] : []),
      ]),
    );
    const denied = records.filter(({ error }) => error === 'PROXY_DENYLISTED');
    expect(denied).toHaveLength(hasPython ? 2 : 1);
    expect(
      records.filter(({ event, path }) => event !== 'call.refused' && /withdraw/.test(String(path))),
    ).toEqual([]);
  });

  it('A proxy that finds the names in its own hosts file does not start', async () => {
    const folder = folderWith({ hosts: HOSTS });
    const { code, stdout, stderr } = await startInOwnNetworkWithHosts(
      join(folder, 'hosts'),
      [MAIN, 'serve'],
      { cwd: folder, env: liveEnv() },
    ).ended;
    expect([code, stdout.includes('proxy.started')]).toEqual([78, false]);
    expect(stderr).toContain(
      'upstreams.spot (https://api.binance.com) leads to 127.0.0.1:443, where this proxy itself listens: take api.binance.com out of the hosts file that the proxy reads, or set BINANCE_PROXY_UPSTREAM_SPOT to another address.',
    );
    for (const name of ['fapi', 'dapi', 'ws-api', 'stream', 'fstream', 'dstream'])
      expect(stderr).toContain(`//${name}.binance.com) leads to 127.0.0.1:443`);
  });

  it('A name that begins to lead to the proxy while it runs is refused before a byte', async () => {
    const nowhere = HOSTS.replaceAll('127.0.0.1 localhost', '127.0.0.1 localhost\n127.0.0.9');
    const folder = folderWith({ hosts: nowhere });
    const proxy = startInOwnNetworkWithHosts(join(folder, 'hosts'), [MAIN, 'serve'], {
      cwd: folder,
      env: liveEnv(),
    });
    await proxy.record('proxy.started');
    writeFileSync(join(folder, 'hosts'), HOSTS);
    const ask = `
      const answer = await fetch('http://127.0.0.1:8080/api/v3/time');
      console.log(answer.status, answer.headers.get('x-proxy-outcome'), (await answer.json()).msg);`;
    const asked = await startInNetworkOf(proxy, ['--input-type=module', '-e', ask], { cwd: ROOT }).ended;
    expect(asked.stdout).toBe(
      '502 not-sent The address of this upstream leads back to the signing proxy itself: nothing was sent.\n',
    );
    expect(await proxy.record('call.completed')).toMatchObject({ rule: 'loop', outcome: 'not-sent' });
    proxy.kill('SIGTERM');
    const { stdout } = await proxy.ended;
    // Nothing came in by name: not even a handshake that failed.
    expect(stdout).not.toContain('byName":"api');
  });
});

/** A proxy for the live exchange, in a network from which nothing is reached. */
function liveEnv(): Readonly<Record<string, string>> {
  return {
    ...files.env,
    BINANCE_PROXY_BY_NAME_PORTS: '443,9443',
    BINANCE_API_KEY: TEST_KEY,
    BINANCE_API_SECRET: TEST_SECRET,
  };
}

if (noNamespace !== undefined) process.stdout.write(`${noNamespace}: apps by name are left out.\n`);
