import { generateKeyPairSync } from 'node:crypto';
import { afterEach } from 'vitest';
import type { SimulatorAccount, SimulatorOptions } from '../../../src/simulator/base/options.ts';
import { type FrameKey, hmacFrames, keyFrames, Line } from '../clients/simulator-ws-caller.ts';
import { ALICE, BOB, type Stage, stageSimulator } from './running-simulator.ts';

const ed25519 = generateKeyPairSync('ed25519');
const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const pem = (key: typeof rsa.publicKey) => key.export({ type: 'spki', format: 'pem' }).toString();

const CAROL = {
  apiKey: 'C'.repeat(64),
  publicKeyPem: pem(ed25519.publicKey),
  balances: { USDT: '10000' },
} satisfies SimulatorAccount;
const DAVE = { apiKey: 'D'.repeat(64), publicKeyPem: pem(rsa.publicKey) } satisfies SimulatorAccount;

export const ALICES: FrameKey = { apiKey: ALICE.apiKey, signer: hmacFrames(ALICE.hmacSecret) };
export const BOBS: FrameKey = { apiKey: BOB.apiKey, signer: hmacFrames(BOB.hmacSecret) };
/** Ed25519 */
export const CAROLS: FrameKey = { apiKey: CAROL.apiKey, signer: keyFrames(ed25519.privateKey) };
/** RSA */
export const DAVES: FrameKey = { apiKey: DAVE.apiKey, signer: keyFrames(rsa.privateKey) };

export interface SocketStage extends Stage {
  /** Opens a WebSocket; it is cut off after the test. */
  line(path: string, key?: FrameKey): Promise<Line>;
}

/** A simulator with an account for each type of key. */
export function stageSockets(options: Partial<SimulatorOptions> = {}): SocketStage {
  const stage = stageSimulator({ accounts: [ALICE, BOB, CAROL, DAVE], ...options });
  const lines: Line[] = [];
  afterEach(async () => {
    for (const line of lines) line.socket.terminate();
    await Promise.all(lines.splice(0).map((line) => line.closed));
  });
  return Object.assign(stage, {
    async line(path: string, key?: FrameKey) {
      const { simulator } = stage;
      const line = await Line.open(`${simulator.url}${path}`, key, () => simulator.exchange.nowMs());
      lines.push(line);
      return line;
    },
  });
}

export const LIMIT_ORDER = {
  symbol: 'BTCUSDT',
  side: 'BUY',
  type: 'LIMIT',
  timeInForce: 'GTC',
  quantity: '0.01',
  price: '50000',
};
export const MARKET_ORDER = { symbol: 'BTCUSDT', side: 'BUY', type: 'MARKET', quantity: '0.01' };
