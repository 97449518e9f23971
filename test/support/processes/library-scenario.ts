import { expect } from 'vitest';
import type { RecordedRequest } from '../../../src/simulator/http/recorded-request.ts';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { openTap } from '../clients/tap.ts';
import { eventually } from '../clients/ws-app.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET, type TestProxy } from '../servers/proxy.ts';
import { wsEnv } from '../servers/ws-upstream.ts';

/** How the app is known to the proxy: by a pair that was issued to it, or not at all. */
export type Mode = 'an issued key pair' | 'a dummy key pair';
export const MODES: readonly Mode[] = ['an issued key pair', 'a dummy key pair'];

/** Legal at USD-M, and full of what a URI encodes or not. */
export const ODD_FUTURES_ID = 'a.b:c/d_1-2';
/** Legal at spot, where only letters, digits, hyphens and underscores are. */
export const ODD_SPOT_ID = '-_Odd--id_1-2_-';
/** A symbol in Chinese, as Binance lists them since 2025-12. */
export const CHINESE_SYMBOL = '币安人生USDT';

/** Where conditional orders of COIN-M go. */
export const COINM_ALGO = '/dapi/v1/algoOrder';

/** A proxy in front of an exchange, and a tap between the library and the proxy. */
export interface Stage {
  /** What the app takes for Binance. */
  readonly baseUrl: string;
  /** The same for its sockets: `ws://…`. */
  readonly wsUrl: string;
  /** The pair that the library is given. */
  readonly key: string;
  readonly secret: string;
  /** Whether the client may convert dust: only where a configuration says so. */
  readonly mayConvert: boolean;
  readonly simulator: Simulator;
  readonly proxy: TestProxy;
  /** Everything that the library has sent, one character per byte. */
  sent(): string;
  /** The text of every frame that the library has sent. */
  frames(): readonly string[];
  close(): Promise<void>;
}

const PAIRS: Readonly<Record<Mode, { readonly key: string; readonly secret: string }>> = {
  'an issued key pair': {
    key: 'IssuedKeyIssuedKeyIssuedKeyIssuedKeyIssuedKeyIssuedKeyIssuedKey0',
    secret: 'IssuedSecretIssuedSecretIssuedSecretIssuedSecretIssuedSecretIssu',
  },
  'a dummy key pair': { key: 'dummy-key-of-an-app', secret: 'dummy-secret-of-an-app' },
};

/** One client, which may convert dust besides what is usual. */
const clientYaml = (requireSignature: boolean) => `
clients:
  app:
    account: main
    envPrefix: APP
    requireSignature: ${requireSignature}
    permissions: [market-data, read, spot-margin-trade, futures-trade, convert]
`;

/** Endings of a wrongly signed or wrongly written request at Binance. */
const SIGNING_MISTAKES = [-1021, -1022, -1101, -1104, -2014, -2015];

/**
 * Raises the whole set: exchange, proxy, tap. The market stands still, so that what a limit order does is certain.
 * @param options.requireSignature whether the proxy insists on the issued secret's signature; it does unless told otherwise
 */
export async function openStage(mode: Mode, { requireSignature = true } = {}): Promise<Stage> {
  const { key, secret } = PAIRS[mode];
  const isIssued = mode === 'an issued key pair';
  const simulator = await startSimulator({
    accounts: [
      {
        apiKey: TEST_KEY,
        hmacSecret: TEST_SECRET,
        balances: { USDT: '100000', BTC: '2', ETH: '10', BNB: '20', 币安人生: '1000' },
      },
    ],
    marketStepMs: 0,
  });
  const proxy = await startTestProxy({
    upstream: simulator.url,
    env: {
      ...wsEnv({ wsUrl: simulator.url.replace('http', 'ws') }),
      ...(isIssued ? { APP_CLIENT_KEY: key, APP_CLIENT_SECRET: secret } : {}),
    },
    ...(isIssued ? { yaml: clientYaml(requireSignature) } : {}),
  });
  const tap = await openTap(proxy.port);
  return {
    baseUrl: `http://127.0.0.1:${tap.port}`,
    wsUrl: `ws://127.0.0.1:${tap.port}`,
    key,
    secret,
    mayConvert: isIssued,
    simulator,
    proxy,
    sent: tap.sent,
    frames: tap.frames,
    async close() {
      await tap.close();
      await proxy.close();
      await simulator.close();
    },
  };
}

/**
 * What holds whatever a library did: the exchange saw rightly signed requests and frames under the real key and nothing
 * of the library's own, the log holds no secret of anybody, and each signed request and frame has its two records.
 */
export function expectFaithful(stage: Stage): void {
  const { simulator, proxy } = stage;
  expectVerified(simulator.requests);
  expect(simulator.frames.filter(({ verified }) => !verified).map(({ text }) => text)).toEqual([]);
  const secrets = ownSecrets(stage);
  expect(stage.sent()).toContain(stage.key);
  expect(secrets.length).toBeGreaterThan(2);
  const arrived = [
    ...simulator.requests.map(wireText),
    ...simulator.upgrades.map(({ target, rawHeaders }) => `${target}\n${rawHeaders.join('\n')}`),
    ...simulator.frames.map(({ text }) => text),
  ].join('\n');
  const logged = proxy.lines.join('\n');
  for (const secret of secrets) {
    expect(arrived).not.toContain(secret);
    expect(logged).not.toContain(secret);
  }
  for (const secret of [TEST_KEY, TEST_SECRET, ...simulator.exchange.listenKeys.values()])
    expect(logged).not.toContain(secret);
  for (const signature of signaturesIn(arrived)) expect(logged).not.toContain(signature);
  expectPairs(stage);
  expect(simulator.withdrawals).toEqual([]);
}

/** The requests of one endpoint that reached the exchange. */
export function arrivedAt(stage: Stage, method: string, path: string): readonly RecordedRequest[] {
  return stage.simulator.requests.filter((request) => request.method === method && request.path === path);
}

/** Waits until the proxy listens to a market stream, on the socket that all apps on one route share. */
export async function untilSubscribed({ simulator }: Stage, stream: string): Promise<void> {
  await eventually(() => simulator.frames.some(({ text }) => text.includes(`"${stream}"`)));
}

/** Waits until the proxy has opened a socket of an app's own at the exchange. */
export async function untilOpened({ simulator }: Stage, path: RegExp): Promise<void> {
  await eventually(() => simulator.upgrades.some(({ target }) => path.test(target)));
}

/** The parameters of a request, decoded, in their order. */
export function parametersOf(request: RecordedRequest | undefined): [string, string][] {
  if (request === undefined) return [];
  const query = request.target.slice(request.path.length + 1);
  return [...new URLSearchParams(query), ...new URLSearchParams(request.body.toString())];
}

/** One decoded parameter of the last request of an endpoint. */
export function lastParameter(stage: Stage, method: string, path: string, name: string): string | undefined {
  const found = parametersOf(arrivedAt(stage, method, path).at(-1));
  return found.find(([candidate]) => candidate === name)?.[1];
}

/** What a library threw. */
export async function thrownBy(call: () => Promise<unknown>): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  throw new Error('the call was expected to fail');
}

/** How often the library sent something to a path. */
export function timesSent(stage: Stage, method: string, path: string): number {
  return stage.sent().split(new RegExp(`${method} ${path}[? ]`)).length - 1;
}

/** An environment with an HTTP proxy that is not there, and with the exception that libraries on axios need for it. */
export const DEAD_HTTP_PROXY: Readonly<Record<string, string>> = {
  HTTP_PROXY: 'http://127.0.0.1:1',
  http_proxy: 'http://127.0.0.1:1',
  NO_PROXY: 'localhost,127.0.0.1,::1',
  no_proxy: 'localhost,127.0.0.1,::1',
};

function expectVerified(requests: readonly RecordedRequest[]): void {
  const wrong = requests.filter(
    ({ verified, code }) => !verified || (code !== undefined && SIGNING_MISTAKES.includes(code)),
  );
  expect(wrong.map(({ method, target, code }) => ({ method, target, code }))).toEqual([]);
  for (const { headers, security, target } of requests)
    expect([target, headers['x-mbx-apikey']]).toEqual([target, security === 'NONE' ? undefined : TEST_KEY]);
}

/** Key, secret and every signature that the library made, as it sent them. */
function ownSecrets({ key, secret, sent, frames }: Stage): string[] {
  return [key, secret, ...signaturesIn([sent(), ...frames()].join('\n'))];
}

/** As they stand in queries and forms, and in frames. */
function signaturesIn(text: string): string[] {
  const found = text.matchAll(/(?<=[?&\n])signature=([^&\s]+)|"signature": ?"([^"]+)"/g);
  return [...found].map(([, value, framed]) => value ?? framed ?? '');
}

function wireText({ target, rawHeaders, body }: RecordedRequest): string {
  return `${target}\n${rawHeaders.join('\n')}\n${body.toString('latin1')}`;
}

function expectPairs({ simulator, proxy }: Stage): void {
  const arrived = simulator.requests.filter(({ security }) => security === 'SIGNED').map(endpointName);
  const framed = simulator.frames.filter(({ text }) => text.includes('"signature":'));
  const signed = proxy.records('call.signed');
  // The method of a frame's record is the name of the frame's method; its path is that of the twin over REST.
  const isFrame = ({ method }: Readonly<Record<string, unknown>>) => String(method).includes('.');
  expect(
    signed
      .filter((record) => !isFrame(record))
      .map(endpointName)
      .sort(),
  ).toEqual(arrived.sort());
  expect(
    signed
      .filter(isFrame)
      .map(({ method }) => method)
      .sort(),
  ).toEqual(framed.map(({ method }) => method).sort());
  const completed = proxy.records('call.completed');
  for (const { requestId } of signed)
    expect(completed.filter((record) => record.requestId === requestId)).toHaveLength(1);
}

function endpointName(named: Readonly<Record<string, unknown>> | RecordedRequest): string {
  return `${named.method} ${named.path}`;
}
