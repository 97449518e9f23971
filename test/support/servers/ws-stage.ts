import { generateKeyPairSync } from 'node:crypto';
import { expect } from 'vitest';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET, type TestProxy } from './proxy.ts';
import { wsEnv } from './ws-upstream.ts';

/** A proxy in front of the simulator, its WebSockets included. */
export interface WsStage {
  readonly simulator: Simulator;
  readonly proxy: TestProxy;
  /** `ws://…` origin of the proxy. */
  readonly wsUrl: string;
  close(): Promise<void>;
}

export type AccountKey = 'HMAC' | 'Ed25519' | 'RSA';

/** @param key the type of the real key, which only proxy and exchange know */
export async function openWsStage(
  key: AccountKey,
  options: { readonly env?: Readonly<Record<string, string>>; readonly yaml?: string } = {},
): Promise<WsStage> {
  const pair =
    key === 'HMAC'
      ? undefined
      : key === 'RSA'
        ? generateKeyPairSync('rsa', { modulusLength: 2048 })
        : generateKeyPairSync('ed25519');
  const simulator = await startSimulator({
    accounts: [
      {
        apiKey: TEST_KEY,
        ...(pair === undefined
          ? { hmacSecret: TEST_SECRET }
          : { publicKeyPem: pair.publicKey.export({ type: 'spki', format: 'pem' }).toString() }),
        balances: { USDT: '100000', BTC: '2', ETH: '10' },
      },
    ],
    marketStepMs: 0,
  });
  const wsUrl = simulator.url.replace('http', 'ws');
  const proxy = await startTestProxy({
    upstream: simulator.url,
    ...options,
    env: {
      ...wsEnv({ wsUrl }),
      ...(pair === undefined
        ? {}
        : { BINANCE_PRIVATE_KEY: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }),
      ...options.env,
    },
  });
  return {
    simulator,
    proxy,
    wsUrl: proxy.url.replace('http', 'ws'),
    async close() {
      await proxy.close();
      await simulator.close();
    },
  };
}

/**
 * What holds whatever a library did: every frame verified at the exchange under the real key, nothing of the library's
 * own arrived, no secret stands in the log, and each signed frame has its two records.
 */
export function expectFaithfulFrames({ simulator, proxy }: WsStage, ...secrets: readonly string[]): void {
  expect(simulator.frames.length).toBeGreaterThan(0);
  expect(simulator.frames.filter(({ verified }) => !verified).map(({ text }) => text)).toEqual([]);
  const arrived = simulator.frames.map(({ text }) => text).join('\n');
  const logged = proxy.lines.join('\n');
  for (const secret of secrets) {
    expect(arrived).not.toContain(secret);
    expect(logged).not.toContain(secret);
  }
  for (const secret of [TEST_KEY, TEST_SECRET]) expect(logged).not.toContain(secret);
  for (const [, signature] of arrived.matchAll(/"signature":"([^"]+)"/g))
    expect(logged).not.toContain(signature);
  const signed = proxy.records('call.signed').filter(({ detail }) => detail !== undefined);
  expect(signed.length).toBe([...arrived.matchAll(/"signature":/g)].length);
  const completed = proxy.records('call.completed');
  for (const { requestId } of signed)
    expect(completed.filter((record) => record.requestId === requestId)).toHaveLength(1);
}
