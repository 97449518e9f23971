import { afterAll, beforeAll, beforeEach } from 'vitest';
import type { SimulatorAccount, SimulatorOptions } from '../../../src/simulator/base/options.ts';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { hmacSigner, SignedCaller } from '../clients/signed-caller.ts';

export const ALICE = {
  apiKey: 'A'.repeat(64),
  hmacSecret: 'alice-secret',
  balances: { USDT: '100000', BTC: '2', ETH: '20' },
} satisfies SimulatorAccount;
export const BOB = {
  apiKey: 'B'.repeat(64),
  hmacSecret: 'bob-secret',
  balances: { USDT: '50000', BTC: '1' },
} satisfies SimulatorAccount;

export interface Stage {
  readonly simulator: Simulator;
  readonly alice: SignedCaller;
  readonly bob: SignedCaller;
}

/**
 * One simulator for a file, reset before each test; its market stands still unless told otherwise. The callers stamp
 * with its clock.
 */
export function stageSimulator(options: Partial<SimulatorOptions> = {}): Stage {
  const stage: { -readonly [Name in keyof Stage]?: Stage[Name] } = {};
  beforeAll(async () => {
    const simulator = await startSimulator({ accounts: [ALICE, BOB], marketStepMs: 0, ...options });
    stage.simulator = simulator;
    const nowMs = () => simulator.exchange.nowMs();
    stage.alice = new SignedCaller(simulator.url, ALICE.apiKey, hmacSigner(ALICE.hmacSecret), nowMs);
    stage.bob = new SignedCaller(simulator.url, BOB.apiKey, hmacSigner(BOB.hmacSecret), nowMs);
  });
  beforeEach(() => {
    stage.simulator?.reset();
    // Away from the turn of a minute, so that no window of a limit ends inside a test.
    stage.simulator?.setClockOffset(5_000 - (Date.now() % 60_000));
  });
  afterAll(async () => {
    await stage.simulator?.close();
  });
  return stage as Stage;
}
