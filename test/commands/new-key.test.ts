import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { folderWith } from '../support/fixtures/config-folder.ts';
import { type Ended, MAIN, runToEnd } from '../support/processes/child.ts';
import { TEST_KEY, TEST_SECRET, upstreamsAt } from '../support/servers/proxy.ts';

const keyWith = (end: string) => ({
  apiKey: `${TEST_KEY.slice(0, -2)}${end}`,
  hmacSecret: `${TEST_SECRET.slice(0, -2)}${end}`,
});
const [SECOND, OTHER] = [keyWith('S2'), keyWith('O3')];
const UNKNOWN = { apiKey: 'U'.repeat(64), hmacSecret: 'u'.repeat(64) };

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({
    accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET }, { ...SECOND, sameAccountAs: TEST_KEY }, OTHER],
  });
});
afterAll(() => simulator.close());
beforeEach(() => simulator.reset());

async function check(
  key: { readonly apiKey: string; readonly hmacSecret: string } | undefined,
  args: readonly string[] = [],
  yaml?: string,
): Promise<Ended> {
  const ended = await runToEnd([MAIN, 'check', '--new-key', ...args], {
    cwd: folderWith(yaml === undefined ? {} : { 'config/proxy.yaml': yaml }),
    env: {
      BINANCE_API_KEY: TEST_KEY,
      BINANCE_API_SECRET: TEST_SECRET,
      ...(key === undefined
        ? {}
        : { BINANCE_NEW_API_KEY: key.apiKey, BINANCE_NEW_API_SECRET: key.hmacSecret }),
      HEDGE_API_KEY: UNKNOWN.apiKey,
      HEDGE_API_SECRET: UNKNOWN.hmacSecret,
      BINANCE_PROXY_ENVIRONMENT: 'simulator',
      BINANCE_PROXY_PORT: '0',
      BINANCE_PROXY_OPERATOR_PORT: '0',
      ...upstreamsAt(simulator.url),
    },
  });
  for (const { apiKey, hmacSecret } of [SECOND, OTHER, UNKNOWN])
    for (const secret of [apiKey, hmacSecret]) expect(ended.stdout + ended.stderr).not.toContain(secret);
  return ended;
}

describe('check --new-key', () => {
  it('Says of a second key of the same account with the same switches that it can take the place', async () => {
    const { code, stdout, stderr } = await check(SECOND);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('It belongs to the same account.');
    expect(stdout).toContain('It has an IP list, and this address is on it.');
    expect(stdout).toMatch(/^enableFutures {2,}on {2,}on *$/m);
    expect(stdout).toContain('It can take the place of the old one');
  });

  it.each<readonly [string, typeof SECOND, () => void, string]>([
    ['of another account', OTHER, () => {}, 'It belongs to another account at Binance'],
    ['that Binance does not know', UNKNOWN, () => {}, '-2015, the key is not accepted'],
    [
      'that may withdraw',
      SECOND,
      () => simulator.setRestrictions(SECOND.apiKey, { enableWithdrawals: true }),
      '"Enable Withdrawals" (enableWithdrawals) switched on',
    ],
    [
      'that lacks what clients were granted',
      SECOND,
      () => simulator.setRestrictions(SECOND.apiKey, { enableFutures: false }),
      'Clients were granted what the key is not switched on for',
    ],
    [
      'that signs already',
      { apiKey: TEST_KEY, hmacSecret: TEST_SECRET },
      () => {},
      'It is the key that signs already',
    ],
  ])('Ends with 1 for a key %s', async (_, key, prepare, sentence) => {
    prepare();
    const { code, stdout } = await check(key);
    expect(code).toBe(1);
    expect(stdout).toContain(sentence);
    expect(stdout).not.toContain('It can take the place');
  });

  it('Shows what differs, and that a key without IP list can be used from anywhere', async () => {
    simulator.setRestrictions(SECOND.apiKey, { ipRestrict: false });
    const { code, stdout } = await check(SECOND);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ipRestrict {2,}on {2,}off {2,}differs$/m);
    expect(stdout).toContain('It has no IP list');
  });

  it('Names the variables of a key that is not there, and asks which account is meant', async () => {
    const none = await check(undefined);
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('BINANCE_NEW_API_KEY is not set')]);
    const two = 'accounts: { main: { envPrefix: BINANCE }, hedge: { envPrefix: HEDGE } }\n';
    expect((await check(SECOND, [], two)).code).toBe(64);
    expect((await check(SECOND, ['--account', 'nobody'], two)).code).toBe(64);
    expect(simulator.requests).toEqual([]);
  });
});
