import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { loadSettings } from '../../../src/config/load-settings.ts';
import { type RunningProxy, startProxy } from '../../../src/proxy/start.ts';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { send } from '../../support/clients/http.ts';
import { folderWith } from '../../support/fixtures/config-folder.ts';
import { freePort } from '../../support/free-port.ts';
import { addressesOf, MAIN, startChild } from '../../support/processes/child.ts';
import {
  askOperator,
  OPERATOR_ENV,
  TEST_KEY,
  TEST_SECRET,
  upstreamsAt,
} from '../../support/servers/proxy.ts';

let simulator: Simulator;
let starting: Promise<RunningProxy> | undefined;
beforeAll(async () => {
  simulator = await startSimulator({ accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET }] });
});
afterEach(async () => {
  await (await starting?.catch(() => undefined))?.close(1_000);
  starting = undefined;
});
afterAll(() => simulator.close());

function environment(more: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return {
    BINANCE_API_KEY: TEST_KEY,
    BINANCE_API_SECRET: TEST_SECRET,
    BINANCE_PROXY_ENVIRONMENT: 'simulator',
    BINANCE_PROXY_PORT: '0',
    BINANCE_PROXY_OPERATOR_PORT: '0',
    ...upstreamsAt(simulator.url),
    ...OPERATOR_ENV,
    ...more,
  };
}

interface Readiness {
  readonly status: number;
  readonly reasons: readonly string[];
}

async function readyz(port: number): Promise<Readiness | undefined> {
  const answer = await send(port, '/readyz').catch(() => undefined);
  if (answer === undefined) return undefined;
  return { status: answer.status, ...(JSON.parse(answer.text) as Omit<Readiness, 'status'>) };
}

describe('ready means that apps can connect', () => {
  it.each([
    ['exchangeInfo never answers', '/api/v3/exchangeInfo', 'off'],
    ['the key question never answers', '/sapi/v1/account/apiRestrictions', 'warn'],
  ])(
    'The first moment at which /readyz says yes is one at which the port accepts: %s',
    async (_what, path, mode) => {
      simulator.reset();
      simulator.inject({ kind: 'stall', match: { path }, times: 99 });
      const [port, operatorPort] = [await freePort(), await freePort()];
      const env = environment({
        BINANCE_PROXY_PORT: String(port),
        BINANCE_PROXY_OPERATOR_PORT: String(operatorPort),
        BINANCE_PROXY_KEY_PREFLIGHT: mode,
      });
      starting = startProxy({ settings: loadSettings({ env, cwd: folderWith() }), log: () => {} });
      const seen: Readiness[] = [];
      for (;;) {
        const now = await readyz(operatorPort);
        if (now === undefined) continue;
        seen.push(now);
        if (now.status === 200) break;
      }
      expect((await send(port, '/api/v3/ping')).status).toBe(200);
      // Whoever looked before that was told why.
      for (const { status, reasons } of seen.slice(0, -1)) {
        expect([status, reasons]).toEqual([503, expect.arrayContaining(['starting'])]);
      }
    },
  );

  it('A start does not wait for limits that are slow to come', async () => {
    simulator.reset();
    for (const path of ['/api/v3/exchangeInfo', '/fapi/v1/exchangeInfo'])
      simulator.inject({ kind: 'stall', match: { path }, times: 99 });
    starting = startProxy({
      settings: loadSettings({ env: environment({}), cwd: folderWith() }),
      log: () => {},
    });
    const running = await starting;
    const limits = running.proxy.limitsRead.then(() => 'read');
    expect(await Promise.race([limits, Promise.resolve('still open')])).toBe('still open');
    expect((await send(Number(new URL(running.url).port), '/api/v3/account')).status).toBe(200);
  });
});

/** A file that no more than so many KiB may be written to, as a quota does it, is EFBIG to whoever tries. */
describe('a quota on the audit folder', () => {
  it('A proxy whose audit file is at its limit is not ready, and is ready again once a real write succeeded', async () => {
    simulator.reset();
    const cwd = folderWith();
    const dir = join(cwd, 'audit');
    const child = startChild(['-c', 'ulimit -S -f 16; exec "$0" "$@"', process.execPath, MAIN, 'serve'], {
      cwd,
      command: 'bash',
      env: environment({ BINANCE_PROXY_AUDIT_DIR: dir }),
    });
    const { url, operatorUrl } = await addressesOf(child);
    const [port, operatorPort] = [Number(new URL(url).port), Number(new URL(operatorUrl).port)];
    expect(await readyz(operatorPort)).toEqual({ status: 200, ready: true, reasons: [] });
    for (;;) {
      const answer = await send(port, '/api/v3/account');
      if (answer.status === 503) break;
    }
    const refused = { status: 503, ready: false, reasons: ['audit'] };
    expect(await readyz(operatorPort)).toEqual(refused);
    expect((await askOperator(operatorUrl, '/operator/status')).json).toMatchObject({
      audit: { available: false },
      reasons: ['The audit file cannot be written (EFBIG).'],
    });
    expect(await readyz(operatorPort)).toEqual(refused);
    execFileSync('prlimit', ['--pid', String(child.pid), '--fsize=1000000:unlimited']);
    expect(await readyz(operatorPort)).toEqual({ status: 200, ready: true, reasons: [] });
    expect((await send(port, '/api/v3/account')).status).toBe(200);
    const name = readdirSync(dir).find((each) => each.endsWith('.ndjson')) ?? '';
    expect(readFileSync(join(dir, name), 'utf8')).toMatch(/"event":"audit\.restored".*"after":"EFBIG"/);
  });
});
