import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { audit } from '../../src/commands/audit.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { send } from '../helpers/http.ts';
import { TEST_KEY, TEST_SECRET } from '../helpers/proxy.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const ROUNDS = Number(process.env.KILLS ?? 5);

let folder: string;
let simulator: Simulator;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'signing-proxy-kill-'));
  simulator = await startSimulator({
    accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET, balances: { USDT: '100000000' } }],
    limits: { ordersPer10Seconds: 1_000_000 },
  });
});
afterAll(async () => {
  await simulator.close();
  rmSync(folder, { recursive: true, force: true });
});

async function startServe(): Promise<{ child: ChildProcess; port: number }> {
  const upstreams = ['SPOT', 'USDM', 'COINM', 'OPTIONS', 'PORTFOLIO'].map((name) => [
    `BINANCE_PROXY_UPSTREAM_${name}`,
    simulator.url,
  ]);
  const child = spawn(process.execPath, [MAIN, 'serve'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PATH: process.env.PATH,
      BINANCE_API_KEY: TEST_KEY,
      BINANCE_API_SECRET: TEST_SECRET,
      BINANCE_PROXY_ENVIRONMENT: 'simulator',
      BINANCE_PROXY_PORT: '0',
      BINANCE_PROXY_OPERATOR_PORT: '0',
      BINANCE_PROXY_AUDIT_DIR: join(folder, 'audit'),
      ...Object.fromEntries(upstreams),
    },
  });
  let text = '';
  for await (const chunk of child.stdout!) {
    text += String(chunk);
    const started = text.split('\n').find((line) => line.includes('"proxy.started"') && line.endsWith('}'));
    if (started === undefined) continue;
    child.stdout!.resume();
    return {
      child,
      port: Number(new URL((JSON.parse(started) as { detail: { url: string } }).detail.url).port),
    };
  }
  throw new Error(`the proxy did not start: ${text}`);
}

function signedIds(): Set<string> {
  const files = readdirSync(join(folder, 'audit')).filter(
    (name) => name.startsWith('audit-') && name.endsWith('.ndjson'),
  );
  const lines = files.flatMap((name) =>
    readFileSync(join(folder, 'audit', name), 'utf8')
      .split('\n')
      .filter((line) => line.endsWith('}')),
  );
  const records = lines.map((line) => JSON.parse(line) as { event: string; clientOrderId?: string });
  return new Set(
    records
      .filter(({ event }) => event === 'call.signed')
      .flatMap(({ clientOrderId }) => clientOrderId ?? []),
  );
}

describe('a proxy that is killed at any moment', () => {
  it(`${ROUNDS} times under load: every order that the exchange saw has its record, and the chain holds`, async () => {
    let sent = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const { child, port } = await startServe();
      const exited = once(child, 'exit');
      let running = true;
      const workers = Array.from({ length: 8 }, async () => {
        while (running) {
          const body = `symbol=BTCUSDT&side=BUY&type=MARKET&quoteOrderQty=10&newClientOrderId=k-${round}-${sent++}`;
          await send(port, '/api/v3/order', { method: 'POST', body }).catch(() => undefined);
        }
      });
      await sleep(150 + round * 70);
      child.kill('SIGKILL');
      running = false;
      await exited;
      await Promise.all(workers);
    }
    const seen = simulator.requests
      .filter(({ method, path }) => method === 'POST' && path === '/api/v3/order')
      .map(({ body, target }) => /newClientOrderId=([^&]+)/.exec(body.toString() || target)?.[1] ?? '');
    expect(seen.length).toBeGreaterThan(ROUNDS);
    const recorded = signedIds();
    expect(seen.filter((id) => !recorded.has(id))).toEqual([]);
    expect(await audit(['verify', join(folder, 'audit')])).toBe(0);
  }, 60_000);
});
