import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { audit } from '../../../src/commands/audit.ts';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { send } from '../../support/clients/http.ts';
import { CHILD_ENV, MAIN } from '../../support/processes/child.ts';
import { portion } from '../../support/properties.ts';
import { TEST_KEY, TEST_SECRET, upstreamsAt } from '../../support/servers/proxy.ts';

const ROUNDS = portion(50, 5);

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
  const child = spawn(process.execPath, [MAIN, 'serve'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...CHILD_ENV,
      BINANCE_API_KEY: TEST_KEY,
      BINANCE_API_SECRET: TEST_SECRET,
      BINANCE_PROXY_ENVIRONMENT: 'simulator',
      BINANCE_PROXY_PORT: '0',
      BINANCE_PROXY_OPERATOR_PORT: '0',
      BINANCE_PROXY_AUDIT_DIR: join(folder, 'audit'),
      ...upstreamsAt(simulator.url),
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

function auditFiles(): string[] {
  const names = readdirSync(join(folder, 'audit')).sort();
  return names
    .filter((name) => /^audit-\d{4}-\d{2}-\d{2}\.ndjson$/.test(name))
    .map((name) => join(folder, 'audit', name));
}

interface FileRecord {
  readonly event: string;
  readonly clientOrderId?: string | readonly string[];
  readonly detail?: { readonly resolution?: string };
}

function records(...events: readonly string[]): FileRecord[] {
  return auditFiles()
    .flatMap((path) => readFileSync(path, 'utf8').split('\n'))
    .filter((line) => line.endsWith('}'))
    .map((line) => JSON.parse(line) as FileRecord)
    .filter(({ event }) => events.includes(event));
}

function signedIds(): Set<string> {
  return new Set(records('call.signed').flatMap(({ clientOrderId }) => clientOrderId ?? []));
}

describe('a proxy that is killed at any moment', () => {
  it(`After ${ROUNDS} kills under load every order that the exchange saw has its record, and the chain holds`, async () => {
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
      await sleep(150 + (round % 5) * 70);
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
  });

  it('An order whose app had its answer, and whose record of it a kill took, is held and found out at the next start', async () => {
    const place = (port: number, id: string) => {
      const body = `symbol=BTCUSDT&side=BUY&type=MARKET&quoteOrderQty=10&newClientOrderId=${id}`;
      return send(port, '/api/v3/order', { method: 'POST', body });
    };
    const eventsOf = (id: string) =>
      records('call.signed', 'call.completed', 'call.resolved')
        .filter(({ clientOrderId }) => [clientOrderId].flat().includes(id))
        .map(({ event, detail }) => detail?.resolution ?? event);
    const first = await startServe();
    const exited = once(first.child, 'exit');
    expect((await place(first.port, 'answered-1')).status).toBe(200);
    await expect.poll(() => eventsOf('answered-1')).toEqual(['call.signed', 'call.completed']);
    // Room for the record before the bytes leave, and none for that of the answer.
    const newest = auditFiles().at(-1)!;
    const signedLine = readFileSync(newest, 'utf8')
      .split('\n')
      .find((line) => line.includes('"call.signed"') && line.includes('answered-1'))!;
    const room = statSync(newest).size + signedLine.length + 100;
    execFileSync('prlimit', ['--pid', String(first.child.pid), `--fsize=${room}:unlimited`]);
    expect((await place(first.port, 'answered-2')).status).toBe(200);
    first.child.kill('SIGKILL');
    await exited;
    expect(eventsOf('answered-2')).toEqual(['call.signed']);

    const second = await startServe();
    const ended = once(second.child, 'exit');
    expect((await place(second.port, 'answered-2')).status).not.toBe(200);
    await expect.poll(() => eventsOf('answered-2'), { timeout: 10_000 }).toEqual(['call.signed', 'executed']);
    expect((await place(second.port, 'answered-2')).json).toMatchObject({ code: -2010 });
    second.child.kill('SIGKILL');
    await ended;
    const arrived = simulator.requests.filter(
      ({ body, method }) => method === 'POST' && String(body).includes('answered-2'),
    );
    expect(arrived).toHaveLength(1);
    expect(await audit(['verify', join(folder, 'audit')])).toBe(0);
  });

  it('After a kill within a record the next start sets the torn line aside, says so, and the chain holds', async () => {
    const serveOneCall = async () => {
      const { child, port } = await startServe();
      const exited = once(child, 'exit');
      expect((await send(port, '/api/v3/account')).status).toBe(200);
      child.kill('SIGKILL');
      await exited;
    };
    await serveOneCall();
    const newest = auditFiles().at(-1)!;
    appendFileSync(newest, readFileSync(newest, 'utf8').split('\n').at(-2)!.slice(0, 100));
    const tornBefore = records('audit.torn').length;
    await serveOneCall();
    expect(records('audit.torn')).toHaveLength(tornBefore + 1);
    expect(await audit(['verify', join(folder, 'audit')])).toBe(0);
  });
});
