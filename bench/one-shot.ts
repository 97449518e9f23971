import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { CPU_LOAD, output } from './programs.ts';
import { startProxy } from './proxy.ts';
import { ORDER } from './rounds.ts';
import { CLIENT_KEY } from './workshop.ts';

const ROUND_TRIP_MS = 20;

export interface OneShot {
  /** Median ms of a new connection with one order, TLS 1.3 straight to the upstream. */
  readonly directMs: number;
  /** The same order over a new plain connection to the proxy, whose connections to the upstream are open. */
  readonly warmMs: number;
  /** The first call after so many idle seconds; undefined in the short form. */
  readonly idle: { readonly seconds: number; readonly ms: readonly number[] } | undefined;
  readonly errors: number;
}

/** One call of a script that was just started, with TLS and a round trip of 20 ms to the upstream. */
export async function measureOneShot(
  lg: string,
  folder: string,
  upstream: { readonly tls: string; readonly caFile: string },
  idleSeconds: number | undefined,
): Promise<OneShot> {
  const relay = await delayed(Number(new URL(upstream.tls).port), ROUND_TRIP_MS);
  const far = `https://localhost:${relay.port}`;
  const env = { BINANCE_PROXY_UPSTREAM_CA_FILE: upstream.caFile };
  const proxy = await startProxy(folder, { upstream: far, env });
  try {
    const direct = await shots(lg, far, 20);
    await shots(lg, proxy.url, 5);
    const warm = await shots(lg, proxy.url, 40);
    let idle: OneShot['idle'];
    if (idleSeconds !== undefined) {
      const ms: number[] = [];
      for (let i = 0; i < 3; i++) {
        await pause(idleSeconds * 1_000);
        ms.push((await shots(lg, proxy.url, 1)).total.p50 / 1_000);
      }
      idle = { seconds: idleSeconds, ms };
    }
    const errors = [direct, warm].reduce((sum, each) => sum + each.errors + each.non2xx, 0);
    return { directMs: direct.total.p50 / 1_000, warmMs: warm.total.p50 / 1_000, idle, errors };
  } finally {
    await proxy.program?.stop();
    relay.close();
  }
}

interface ShotReport {
  readonly errors: number;
  readonly non2xx: number;
  readonly total: { readonly p50: number };
}

async function shots(lg: string, origin: string, count: number): Promise<ShotReport> {
  const command = [
    lg,
    'oneshot',
    '-u',
    `${origin}/api/v3/order`,
    '-k',
    CLIENT_KEY,
    '-b',
    ORDER,
    '-n',
    String(count),
  ];
  return JSON.parse(await output([...command, '-g', '5'], { cpu: CPU_LOAD })) as ShotReport;
}

/**
 * A TCP relay with the delay of a distant peer: half a round trip each way, and one more round trip before the first
 * byte, which is what opening the connection would have taken.
 */
async function delayed(target: number, roundTripMs: number): Promise<{ port: number; close(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ port: target, host: '127.0.0.1', noDelay: true });
    const openMs = performance.now() + roundTripMs;
    carry(near, far, roundTripMs / 2, openMs);
    carry(far, near, roundTripMs / 2, openMs);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
    }
  });
  server.listen(0);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function carry(from: Socket, to: Socket, oneWayMs: number, openMs: number): void {
  const later = (run: () => void): void => {
    const dueMs = Math.max(performance.now(), openMs) + oneWayMs;
    setTimeout(run, Math.max(0, dueMs - performance.now()));
  };
  from.on('data', (chunk) => later(() => to.writable && to.write(chunk)));
  from.on('close', () => later(() => to.destroySoon()));
}
