import { describe, expect, it } from 'vitest';
import { Accounts } from '../../src/simulator/accounts/accounts.ts';
import { ExchangeError } from '../../src/simulator/base/exchange-error.ts';
import { authenticate } from '../../src/simulator/http/authentication.ts';
import { signedRoute } from '../../src/simulator/http/route.ts';
import { readWireRequest } from '../../src/simulator/http/wire-request.ts';
import { hmacSigner, member, SignedCaller, send } from '../support/clients/signed-caller.ts';
import { SIGNATURE_VECTORS } from '../support/fixtures/signature-vectors.ts';
import { ALICE, stageSimulator } from '../support/servers/running-simulator.ts';

const NOW_MS = 1_795_000_000_000;
const accounts = new Accounts([ALICE]);

/** What authentication at NOW_MS says of a request with this stamp. */
function verdict(pairs: string, path = '/api/v3/account'): string | number {
  const target = `${path}?${pairs}&signature=${hmacSigner(ALICE.hmacSecret)(pairs)}`;
  const request = readWireRequest('GET', target, { 'x-mbx-apikey': ALICE.apiKey }, Buffer.alloc(0));
  try {
    authenticate(
      request,
      signedRoute(`GET ${path}`, {}, () => ({})),
      accounts,
      NOW_MS,
    );
    return 'accepted';
  } catch (error) {
    if (error instanceof ExchangeError) return error.code === -1021 ? error.message : error.code;
    throw error;
  }
}

const LATE = 'Timestamp for this request is outside of the recvWindow.';
const EARLY = "Timestamp for this request was 1000ms ahead of the server's time.";

describe('the timestamp', () => {
  it('A timestamp may be as old as recvWindow, 5000 ms unless said otherwise', () => {
    expect(verdict(`timestamp=${NOW_MS - 5_000}`)).toBe('accepted');
    expect(verdict(`timestamp=${NOW_MS - 5_001}`)).toBe(LATE);
    expect(verdict(`recvWindow=60000&timestamp=${NOW_MS - 60_000}`)).toBe('accepted');
    expect(verdict(`recvWindow=100&timestamp=${NOW_MS - 101}`)).toBe(LATE);
  });
  it('A timestamp may be less than one second ahead', () => {
    expect(verdict(`timestamp=${NOW_MS + 999}`)).toBe('accepted');
    expect(verdict(`timestamp=${NOW_MS + 1_000}`)).toBe(EARLY);
    expect(verdict(`timestamp=${NOW_MS + 11_000}`)).toBe(EARLY);
  });
  it('A timestamp is never before 2017, and a number', () => {
    expect(verdict('timestamp=1483228799999')).toBe(LATE);
    expect(verdict('timestamp=1')).toBe(LATE);
    expect(verdict(`timestamp=${NOW_MS}.5`)).toBe(-1100);
    expect(verdict('timestamp=')).toBe(-1102);
  });
  it('A timestamp may count microseconds on /api and nowhere else', () => {
    expect(verdict(`timestamp=${NOW_MS}000`)).toBe('accepted');
    expect(verdict(`timestamp=${NOW_MS - 5_001}999`)).toBe(LATE);
    expect(verdict(`timestamp=${NOW_MS}000`, '/sapi/v1/account/status')).toBe(EARLY);
    expect(verdict(`timestamp=${NOW_MS}000`, '/fapi/v3/account')).toBe(EARLY);
  });
  it('A recvWindow is at most 60000 and has up to three decimals on /api', () => {
    expect(verdict(`recvWindow=60000.001&timestamp=${NOW_MS}`)).toBe(-1131);
    expect(verdict(`recvWindow=60001&timestamp=${NOW_MS}`, '/fapi/v3/account')).toBe(-1131);
    expect(verdict(`recvWindow=100.123&timestamp=${NOW_MS - 100}`)).toBe('accepted');
    expect(verdict(`recvWindow=100.123&timestamp=${NOW_MS - 101}`)).toBe(LATE);
    expect(verdict(`recvWindow=100.1234&timestamp=${NOW_MS}`)).toBe(-1100);
    expect(verdict(`recvWindow=100.5&timestamp=${NOW_MS}`, '/fapi/v3/account')).toBe(-1100);
    expect(verdict(`recvWindow=-1&timestamp=${NOW_MS}`)).toBe(-1100);
  });
});

describe('the clock of the exchange', () => {
  const apiKey = 'D'.repeat(64);
  const published = SIGNATURE_VECTORS.filter(({ id }) => /^(hmac|ed25519|rsa)-rest-(ascii|unicode)/.test(id));
  const [first] = published;
  const stage = stageSimulator({
    accounts: [ALICE, { apiKey, hmacSecret: first!.material }],
  });
  /** Stamps with the clock of this machine. */
  const caller = () => new SignedCaller(stage.simulator.url, apiKey, hmacSigner(first!.material));

  it('The clock of the exchange can stand where a published request was made, which then verifies', async () => {
    const vectors = published.filter(({ key }) => key === 'hmac');
    expect(vectors).toHaveLength(2);
    for (const { payload, signature } of vectors) {
      stage.simulator.setClockOffset(1_499_827_319_559 - Date.now());
      const body = `${payload}&signature=${signature}`;
      const { json } = await send(stage.simulator.url, 'POST', '/api/v3/order', {
        headers: { 'X-MBX-APIKEY': apiKey },
        body,
      });
      expect(json).toEqual({ code: -1121, msg: 'Invalid symbol.' });
      expect(stage.simulator.requests.at(-1)).toMatchObject({ verified: true, account: apiKey });
    }
  });

  it('The clock of the exchange decides what is too early and too late, and tells the time by it', async () => {
    for (const [offsetMs, msg] of [
      [6_000, LATE],
      [-3_000, EARLY],
    ] as const) {
      stage.simulator.setClockOffset(offsetMs);
      expect((await caller().call('GET', '/api/v3/account')).json).toEqual({ code: -1021, msg });
    }
    stage.simulator.setClockOffset(3_600_000);
    const time = await send(stage.simulator.url, 'GET', '/api/v3/time');
    expect(member<number>(time, 'serverTime') - Date.now()).toBeGreaterThan(3_500_000);
  });
  it('The clock of the exchange counts microseconds when asked to, and refuses other units', async () => {
    const ask = (unit: string) =>
      send(stage.simulator.url, 'GET', '/api/v3/time', { headers: { 'X-MBX-TIME-UNIT': unit } });
    expect(member<number>(await ask('MICROSECOND'), 'serverTime')).toBeGreaterThan(1e15);
    expect(member<number>(await ask('millisecond'), 'serverTime')).toBeLessThan(1e13);
    expect(member<number>(await ask('SECOND'), 'code')).toBe(-1194);
    stage.simulator.setClockOffset(0);
    expect((await caller().call('GET', '/api/v3/account')).status).toBe(200);
  });
});
