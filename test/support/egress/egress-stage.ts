import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import type { SimulatorLimits } from '../../../src/simulator/base/options.ts';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { makeThrowAwayCertificate, type ThrowAwayCertificate } from '../fixtures/throw-away-certificate.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET, type TestProxy, upstreamsAt } from '../servers/proxy.ts';
import { wsEnv } from '../servers/ws-upstream.ts';

/** A name that nobody but a proxy on the way can look up. */
export const EXCHANGE = 'exchange.test';
export const HEDGE_KEY = TEST_KEY.toLowerCase();
const HEDGE_SECRET = TEST_SECRET.toLowerCase();
/** What apps show: one client for each of the two accounts. */
export const MAIN_APP = { 'x-mbx-apikey': 'a-key-that-was-issued-to-the-main-bot-01' };
export const HEDGE_APP = { 'x-mbx-apikey': 'a-key-that-was-issued-to-the-hedge-bot-1' };

/** The simulator behind TLS. */
export interface TlsExchange {
  readonly simulator: Simulator;
  readonly port: number;
  /** Where its connections came from. */
  readonly peers: readonly string[];
  readonly certificate: ThrowAwayCertificate;
  /** PEM of the certificate, as a file. */
  readonly caFile: string;
  close(): Promise<void>;
}

export async function startTlsExchange(limits: SimulatorLimits = {}): Promise<TlsExchange> {
  const balances = { USDT: '1000000', BTC: '10' };
  const simulator = await startSimulator({
    accounts: [
      { apiKey: TEST_KEY, hmacSecret: TEST_SECRET, balances },
      { apiKey: HEDGE_KEY, hmacSecret: HEDGE_SECRET, balances },
    ],
    limits,
    marketStepMs: 0,
  });
  const folder = mkdtempSync(join(tmpdir(), 'egress-'));
  const caFile = join(folder, 'ca.pem');
  const certificate = makeThrowAwayCertificate(EXCHANGE);
  writeFileSync(caFile, certificate.cert);
  const front = await startTlsFront(certificate, Number(new URL(simulator.url).port));
  return {
    simulator,
    certificate,
    caFile,
    ...front,
    async close() {
      await front.close();
      await simulator.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Ends TLS and passes on what is within. */
export async function startTlsFront(certificate: ThrowAwayCertificate, port: number) {
  const peers: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer({ ...certificate, ALPNProtocols: ['http/1.1'] }, (socket) => {
    peers.push(socket.remoteAddress ?? '');
    const inner = connect({ host: '127.0.0.1', port });
    for (const each of [socket, inner]) {
      sockets.add(each);
      each.on('error', () => {}).on('close', () => sockets.delete(each));
    }
    socket.pipe(inner).pipe(socket);
    socket.on('close', () => inner.destroy());
    inner.on('close', () => socket.destroy());
  });
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    peers: peers as readonly string[],
    close: () =>
      new Promise<void>((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

/** Both accounts, and what their apps show. */
export const plainEnv: Readonly<Record<string, string>> = {
  BINANCE_HEDGE_API_KEY: HEDGE_KEY,
  BINANCE_HEDGE_API_SECRET: HEDGE_SECRET,
  MAIN_BOT_CLIENT_KEY: MAIN_APP['x-mbx-apikey'],
  HEDGE_BOT_CLIENT_KEY: HEDGE_APP['x-mbx-apikey'],
};

/** The environment of a proxy whose upstreams are all this exchange, by a name that means the loopback or by another. */
export function egressEnv(
  exchange: Pick<TlsExchange, 'port' | 'caFile'>,
  host = EXCHANGE,
): Record<string, string> {
  return {
    ...upstreamsAt(`https://${host}:${exchange.port}`),
    ...wsEnv({ wsUrl: `wss://${host}:${exchange.port}` }),
    BINANCE_PROXY_UPSTREAM_CA_FILE: exchange.caFile,
    ...plainEnv,
  };
}

/** Two accounts with a client each; what is given of `egress` is put where it belongs. */
export function twoAccounts({ top, main, hedge }: { top?: string; main?: string; hedge?: string }): string {
  const own = (egress: string | undefined) => (egress === undefined ? '' : `, egress: ${egress}`);
  return `${top === undefined ? '' : `egress: ${top}\n`}accounts:
  main: { envPrefix: BINANCE${own(main)} }
  hedge: { envPrefix: BINANCE_HEDGE${own(hedge)} }
clients:
  main-bot: { account: main, envPrefix: MAIN_BOT, permissions: [market-data, read, spot-margin-trade] }
  hedge-bot: { account: hedge, envPrefix: HEDGE_BOT, permissions: [market-data, read, spot-margin-trade] }
`;
}

/** A proxy in front of the exchange. */
export function startBehind(
  exchange: TlsExchange,
  yaml: string,
  env: Readonly<Record<string, string>> = {},
  host = EXCHANGE,
): Promise<TestProxy> {
  return startTestProxy({
    upstream: 'http://127.0.0.1:9',
    yaml,
    env: { ...egressEnv(exchange, host), ...env },
  });
}
