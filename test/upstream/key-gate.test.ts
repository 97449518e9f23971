import { createSecretKey } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { loadCatalogue } from '../../src/config/load-catalogue.ts';
import { readHead } from '../../src/core/call/call.ts';
import { readTarget } from '../../src/core/call/target.ts';
import type { Permission } from '../../src/core/catalogue/permission.ts';
import { DAY_MS, HOUR_MS } from '../../src/core/intervals.ts';
import { Credential } from '../../src/core/signing/credential.ts';
import { createKeyGate, type KeyGate } from '../../src/upstream/key-gate.ts';
import type { KeyRole } from '../../src/upstream/key-questions.ts';
import type { PreflightVerdict } from '../../src/upstream/key-verdicts.ts';
import { refusal } from '../support/fixtures/call.ts';

type Answer = readonly [status: number, switches: Readonly<Record<string, unknown>>];

const HARMLESS: Answer = [200, { enableWithdrawals: false, ipRestrict: true }];
const RISKY: Answer = [200, { enableWithdrawals: true, ipRestrict: true }];
const DOWN: Answer = [503, {}];
const WALL_MS = Date.UTC(2026, 10, 27, 12);
const OLD = keyNamed('old-key');
const NEW = keyNamed('new-key');
const catalogue = loadCatalogue();

let running: KeyGate | undefined;
afterEach(() => running?.stop());

function keyNamed(name: string): Credential {
  return new Credential(name, 'HMAC', createSecretKey('secret', 'utf8'));
}

function isRefused(act: () => unknown): boolean {
  try {
    act();
    return false;
  } catch {
    return true;
  }
}

interface Question {
  readonly account: string;
  readonly key: string;
  readonly answer: (answer: Answer) => Promise<void>;
}

/** A gate over an exchange whose answers the test gives one by one, in whichever order. */
function gateOver(
  accounts: Readonly<Record<string, Credential>>,
  options: {
    mode?: 'enforce' | 'warn';
    answers?: readonly Answer[];
    hasSapi?: boolean;
    granted?: readonly Permission[];
  } = {},
) {
  const configured = new Map(Object.entries(accounts));
  const inForce = new Map(configured);
  const questions: Question[] = [];
  const told: (readonly [account: string, key: string, kind: string, role: KeyRole])[] = [];
  const overdue: string[] = [];
  const unanswered: string[] = [];
  const verdicts: PreflightVerdict[] = [];
  const clock = { nowMs: 0 };
  const names = new Map([OLD, NEW].map((each) => [each.keyDigest, each.apiKey]));
  const gate = createKeyGate({
    mode: () => options.mode ?? 'enforce',
    configured: () => configured,
    inForce: () => inForce,
    takeOver: (account) => void inForce.set(account, configured.get(account) ?? OLD),
    exchange: () => 'live',
    granted: () => new Set(options.granted),
    hasSapi: () => options.hasSapi ?? true,
    ownCalls: {
      get({ account, credential }) {
        const { promise, resolve } = Promise.withResolvers<{ status: number; text: string }>();
        const answer = async ([status, switches]: Answer) => {
          resolve({ status, text: JSON.stringify(switches) });
          await new Promise((done) => setImmediate(done));
        };
        questions.push({ account, key: credential.apiKey, answer });
        const { answers = [] } = options;
        const given = answers[Math.min(questions.length, answers.length) - 1];
        if (given !== undefined) void answer(given);
        return promise;
      },
    },
    onVerdict: (account, verdict, role) => {
      verdicts.push(verdict);
      told.push([account, names.get(verdict.keyDigest) ?? '', verdict.kind, role]);
    },
    onOverdue: (account) => overdue.push(account),
    onUnanswered: (account, _key, reason) => unanswered.push(`${account}: ${reason}`),
    monotonicNow: () => clock.nowMs,
    wallNow: () => WALL_MS + clock.nowMs,
    retryMs: 5,
  });
  running = gate;
  return {
    ...{ gate, questions, told, overdue, unanswered, verdicts, clock, configured, inForce },
    signs: (account = 'main') => {
      gate.assertSignable(account, inForce.get(account));
      return inForce.get(account)?.apiKey;
    },
    reload(next: Readonly<Record<string, Credential>>) {
      for (const [account, credential] of Object.entries(next)) {
        configured.set(account, credential);
        if (!inForce.has(account)) inForce.set(account, credential);
      }
      gate.reloaded();
    },
  };
}

/** A call of the catalogue. */
function use(upstream: 'spot' | 'usdm' | 'coinm', method: 'GET' | 'POST' | 'DELETE', target: string) {
  const call = readHead(method, readTarget(target));
  const endpoint = catalogue.find(upstream, method, call.path);
  if (endpoint === undefined) throw new Error(`no ${target}`);
  return { endpoint, call };
}

describe('the gate of a key', () => {
  it('The key gate asks again by itself, and closes when the key may withdraw since', async () => {
    const { gate, clock, verdicts, signs } = gateOver(
      { main: OLD },
      { answers: [HARMLESS, HARMLESS, RISKY] },
    );
    await gate.check();
    gate.start();
    expect(signs()).toBe('old-key');
    await expect
      .poll(() => {
        clock.nowMs += HOUR_MS;
        return verdicts.at(-1)?.kind;
      })
      .toBe('failed');
    expect(refusal(signs)).toBe('PROXY_NOT_READY');
  });

  it('The key gate stays closed while it has no answer, and opens with the first good one', async () => {
    const { gate, questions, signs } = gateOver({ main: OLD }, { answers: [DOWN, DOWN, HARMLESS] });
    await gate.check();
    expect(refusal(signs)).toBe('PROXY_NOT_READY');
    gate.start();
    await expect.poll(() => questions.length).toBeGreaterThanOrEqual(3);
    await expect.poll(() => gate.verdicts.get('main')?.kind).toBe('passed');
    expect(signs()).toBe('old-key');
  });

  it('A question that nobody answers is asked again while it is still open', async () => {
    const { gate, questions } = gateOver({ main: OLD });
    gate.start();
    await expect.poll(() => questions.length).toBeGreaterThanOrEqual(3);
  });

  it('A re-check that was not answered is asked again within seconds, not after an hour', async () => {
    const { gate, clock, questions } = gateOver({ main: OLD }, { answers: [HARMLESS, DOWN] });
    await gate.check();
    clock.nowMs = HOUR_MS;
    gate.start();
    await expect.poll(() => questions.length).toBeGreaterThanOrEqual(4);
  });

  it('The key gate keeps what it knows when a later answer does not come', async () => {
    const { gate, questions } = gateOver({ main: OLD }, { answers: [RISKY, DOWN] });
    await gate.check();
    await gate.check();
    expect(questions).toHaveLength(2);
    expect(gate.verdicts.get('main')?.kind).toBe('failed');
  });

  it('The key gate takes a 404 for no answer where the exchange has /sapi', async () => {
    const { gate, signs } = gateOver({ main: OLD }, { answers: [[404, {}]] });
    await gate.check();
    expect(gate.verdicts.get('main')?.kind).toBe('pending');
    expect(refusal(signs)).toBe('PROXY_NOT_READY');
  });

  it('The key gate takes an answer that says nothing about withdrawals for none', async () => {
    const { gate } = gateOver({ main: OLD }, { answers: [[200, { enableReading: true }]] });
    await gate.check();
    expect(gate.verdicts.get('main')?.kind).toBe('pending');
  });

  it('An answer to an earlier question does not undo the one to a later question', async () => {
    const { gate, questions, signs } = gateOver({ main: OLD });
    void gate.check();
    void gate.check();
    await questions[1]?.answer(RISKY);
    await questions[0]?.answer(HARMLESS);
    expect(gate.verdicts.get('main')?.kind).toBe('failed');
    expect(refusal(signs)).toBe('PROXY_NOT_READY');
  });
});

describe('a new key', () => {
  it('A new key never signs while its question has no answer, and the old one goes on', async () => {
    const { gate, questions, reload, signs } = gateOver({ main: OLD });
    void gate.check();
    await questions[0]?.answer(HARMLESS);
    reload({ main: NEW });
    expect(questions.map(({ key }) => key)).toEqual(['old-key', 'new-key']);
    await questions[1]?.answer(DOWN);
    expect(signs()).toBe('old-key');
    expect(gate.waiting.get('main')).toMatchObject({ kind: 'pending', keyDigest: NEW.keyDigest });
    gate.start();
    await expect.poll(() => questions.filter(({ key }) => key === 'new-key').length).toBeGreaterThan(2);
    await questions.at(-1)?.answer(HARMLESS);
    expect(signs()).toBe('new-key');
    expect(gate.waiting.size).toBe(0);
  });

  it('A new key that may withdraw never signs, whatever a late answer says about the old one', async () => {
    const { gate, questions, told, reload, signs } = gateOver({ main: OLD });
    void gate.check();
    await questions[0]?.answer(HARMLESS);
    void gate.check();
    reload({ main: NEW });
    await questions[2]?.answer(RISKY);
    await questions[1]?.answer(HARMLESS);
    expect(signs()).toBe('old-key');
    expect(gate.waiting.get('main')?.kind).toBe('failed');
    expect(told).toEqual([
      ['main', 'old-key', 'passed', 'in force'],
      ['main', 'new-key', 'failed', 'waiting'],
    ]);
  });

  it('A late answer about the old key does not open the gate for a new one that has taken over', async () => {
    const { gate, questions, reload, signs } = gateOver({ main: OLD });
    void gate.check();
    await questions[0]?.answer(HARMLESS);
    void gate.check();
    reload({ main: NEW });
    await questions[2]?.answer(HARMLESS);
    expect(signs()).toBe('new-key');
    void gate.check();
    await questions[3]?.answer(RISKY);
    expect(refusal(signs)).toBe('PROXY_NOT_READY');
    await questions[1]?.answer(HARMLESS);
    expect(refusal(signs)).toBe('PROXY_NOT_READY');
    expect(gate.verdicts.get('main')?.keyDigest).toBe(NEW.keyDigest);
  });

  it('A key that was rotated away while it was asked about does not take over with its late answer', async () => {
    const { gate, questions, reload, signs } = gateOver({ main: OLD });
    void gate.check();
    await questions[0]?.answer(HARMLESS);
    reload({ main: NEW });
    reload({ main: OLD });
    await questions[1]?.answer(HARMLESS);
    expect(signs()).toBe('old-key');
    expect(gate.waiting.size).toBe(0);
  });

  it('The verdict on a key of one account never counts for the same key of another', async () => {
    const { gate, questions, reload, signs } = gateOver({ main: OLD, other: NEW });
    void gate.check();
    for (const question of questions) await question.answer(HARMLESS);
    reload({ main: NEW, other: OLD });
    expect([signs('main'), signs('other')]).toEqual(['old-key', 'new-key']);
    const [first, second] = questions.slice(2);
    expect([first, second].map((each) => [each?.account, each?.key])).toEqual([
      ['main', 'new-key'],
      ['other', 'old-key'],
    ]);
    await second?.answer(RISKY);
    expect([signs('main'), signs('other')]).toEqual(['old-key', 'new-key']);
    await first?.answer(HARMLESS);
    expect([signs('main'), signs('other')]).toEqual(['new-key', 'new-key']);
    expect(gate.waiting.get('other')?.kind).toBe('failed');
  });

  it('An account that is new has no old key, and does not sign until its key was judged', async () => {
    const { gate, questions, reload, signs } = gateOver({ main: OLD });
    void gate.check();
    await questions[0]?.answer(HARMLESS);
    reload({ other: NEW });
    expect(refusal(() => signs('other'))).toBe('PROXY_NOT_READY');
    await questions[1]?.answer(HARMLESS);
    expect(signs('other')).toBe('new-key');
  });

  it('A new key takes over where the exchange has no /sapi, and with `warn` whatever it may', async () => {
    const testnet = gateOver({ main: OLD }, { answers: [[404, {}]], hasSapi: false });
    await testnet.gate.check();
    testnet.reload({ main: NEW });
    await expect.poll(() => testnet.signs()).toBe('new-key');
    const warning = gateOver({ main: OLD }, { answers: [HARMLESS, RISKY], mode: 'warn' });
    await warning.gate.check();
    warning.reload({ main: NEW });
    await expect.poll(() => warning.signs()).toBe('new-key');
    expect(warning.told.at(-1)).toEqual(['main', 'new-key', 'failed', 'takes over']);
  });
});

describe('a pass that was not renewed', () => {
  async function overdue() {
    const stage = gateOver({ main: OLD }, { answers: [HARMLESS, DOWN] });
    await stage.gate.check();
    stage.clock.nowMs = 3 * HOUR_MS + 1;
    await stage.gate.check();
    return stage;
  }

  it.each([
    ['spot', 'POST', '/api/v3/order?symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1'],
    ['spot', 'POST', '/api/v3/order/cancelReplace?symbol=BTCUSDT&side=BUY&type=MARKET&reduceOnly=true'],
    ['spot', 'POST', '/sapi/v1/asset/transfer?type=MAIN_UMFUTURE&asset=USDT&amount=1'],
    ['usdm', 'POST', '/fapi/v1/order?symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1'],
    ['usdm', 'POST', '/fapi/v1/order?symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1&reduceOnly=false'],
    ['usdm', 'POST', '/fapi/v1/order?symbol=BTCUSDT&side=BUY&quantity=1&reduceOnly=true&reduceOnly=false'],
    ['usdm', 'POST', '/fapi/v1/leverage?symbol=BTCUSDT&leverage=50'],
    ['usdm', 'POST', '/fapi/v1/convert/acceptQuote?quoteId=1&reduceOnly=true'],
    [
      'usdm',
      'POST',
      '/fapi/v1/batchOrders?batchOrders=%5B%7B%22symbol%22%3A%22BTCUSDT%22%2C%22side%22%3A%22BUY%22%2C%22type%22%3A%22MARKET%22%2C%22quantity%22%3A%221%22%7D%5D',
    ],
  ] as const)(
    'A pass that is older than three hours does not let place, transfer or change: %s %s %s',
    async (upstream, method, target) => {
      const { gate } = await overdue();
      expect(refusal(() => gate.assertSignable('main', OLD, use(upstream, method, target)))).toBe(
        'PROXY_NOT_READY',
      );
    },
  );

  it.each([
    ['spot', 'GET', '/api/v3/account'],
    ['spot', 'POST', '/api/v3/order/test?symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1'],
    ['spot', 'DELETE', '/api/v3/order?symbol=BTCUSDT&orderId=1'],
    ['usdm', 'POST', '/fapi/v1/listenKey'],
    ['usdm', 'POST', '/fapi/v1/order?symbol=BTCUSDT&side=SELL&type=MARKET&quantity=1&reduceOnly=true'],
    ['coinm', 'POST', '/dapi/v1/order?symbol=BTCUSD_PERP&side=SELL&type=STOP_MARKET&closePosition=true'],
    [
      'usdm',
      'POST',
      '/fapi/v1/batchOrders?batchOrders=%5B%7B%22symbol%22%3A%22BTCUSDT%22%2C%22side%22%3A%22SELL%22%2C%22type%22%3A%22MARKET%22%2C%22quantity%22%3A%221%22%2C%22reduceOnly%22%3A%22true%22%7D%5D',
    ],
  ] as const)(
    'A pass that is older than three hours still lets read, cancel and reduce: %s %s %s',
    async (upstream, method, target) => {
      const { gate } = await overdue();
      expect(() => gate.assertSignable('main', OLD, use(upstream, method, target))).not.toThrow();
    },
  );

  it('A pass counts from the question that it answers, not from the moment at which the answer came', async () => {
    const { gate, clock, questions, signs } = gateOver({ main: OLD });
    void gate.check();
    clock.nowMs = 3 * HOUR_MS + 1;
    await questions[0]?.answer(HARMLESS);
    expect(refusal(signs)).toBe('PROXY_NOT_READY');
  });

  it('A pass that ended is told once, and an answer renews it', async () => {
    const { gate, clock, overdue, questions, signs } = gateOver(
      { main: OLD },
      { answers: [HARMLESS, DOWN, DOWN, DOWN, HARMLESS] },
    );
    await gate.check();
    clock.nowMs = 3 * HOUR_MS;
    expect(signs()).toBe('old-key');
    clock.nowMs += 1;
    expect(refusal(signs)).toBe('PROXY_NOT_READY');
    gate.start();
    await expect.poll(() => questions.length).toBeGreaterThanOrEqual(5);
    await expect.poll(() => isRefused(signs)).toBe(false);
    expect(overdue).toEqual(['main']);
  });
});

describe('what a key may do against what clients were granted', () => {
  const switches = (more: Readonly<Record<string, unknown>>): Answer => [
    200,
    { enableWithdrawals: false, ipRestrict: true, enableReading: true, ...more },
  ];
  async function advice(answer: Answer, granted: readonly Permission[]) {
    const { gate } = gateOver({ main: OLD }, { answers: [answer], granted });
    await gate.check();
    const verdict = gate.verdicts.get('main');
    if (verdict?.kind !== 'passed') throw new Error('the key did not pass');
    return verdict;
  }

  it.each<[name: string, label: string, permission: Permission]>([
    ['enableSpotAndMarginTrading', 'Enable Spot & Margin Trading', 'spot-margin-trade'],
    ['enableMargin', 'Enable Margin Loan, Repay & Transfer', 'loan'],
    ['enableFutures', 'Enable Futures', 'futures-trade'],
    ['enableVanillaOptions', 'Enable European Options', 'options-trade'],
    ['enablePortfolioMarginTrading', 'Enable Portfolio Margin Trading', 'portfolio-margin-trade'],
    ['permitsUniversalTransfer', 'Permits Universal Transfer', 'universal-transfer'],
  ])('%s is compared with what clients were granted, both ways', async (name, label, permission) => {
    const named = `"${label}" (${name}) for ${permission}`;
    const lacking = await advice(switches({ [name]: false }), [permission]);
    expect(lacking.warnings).toEqual([expect.stringContaining(named)]);
    expect((await advice(switches({ [name]: true }), [permission])).warnings).toEqual([]);
    expect((await advice(switches({ [name]: false }), [])).notes).toEqual([]);
    if (name === 'permitsUniversalTransfer') return;
    const idle = await advice(switches({ [name]: true }), []);
    expect([idle.warnings, idle.notes]).toEqual([[], [expect.stringContaining(named)]]);
  });

  it('A switch of which Binance says nothing is not advised on', async () => {
    const { warnings, notes } = await advice(HARMLESS, ['futures-trade', 'read']);
    expect([warnings, notes]).toEqual([[], []]);
  });

  it.each([
    ['in 15 days', 15 * DAY_MS, undefined],
    ['in 14 days', 14 * DAY_MS, / ends at 2026-12-11T12:00:00\.000Z: /],
    ['in an hour', HOUR_MS, / ends at 2026-11-27T13:00:00\.000Z: /],
    ['an hour ago', -HOUR_MS, / ended at 2026-11-27T11:00:00\.000Z: /],
  ])('The end of the right to trade is a warning from 14 days before: %s', async (_when, inMs, sentence) => {
    const answer = switches({ tradingAuthorityExpirationTime: WALL_MS + inMs });
    const { warnings, authorityEndsMs } = await advice(answer, []);
    expect(authorityEndsMs).toBe(WALL_MS + inMs);
    expect(warnings).toEqual(sentence === undefined ? [] : [expect.stringMatching(sentence)]);
  });

  it.each([undefined, null, 'soon', -1, 0, Number.MAX_VALUE])(
    'A time that is none is no end: %s',
    async (end) => {
      expect(
        (await advice(switches({ tradingAuthorityExpirationTime: end }), [])).authorityEndsMs,
      ).toBeUndefined();
    },
  );

  it('A verdict whose warnings change is told again, and one that stays the same is not', async () => {
    const { gate, told, clock, verdicts, questions } = gateOver({ main: OLD });
    const ends = switches({ tradingAuthorityExpirationTime: WALL_MS + 15 * DAY_MS });
    for (const atMs of [0, HOUR_MS, DAY_MS + HOUR_MS, DAY_MS + 2 * HOUR_MS]) {
      clock.nowMs = atMs;
      const asked = gate.check();
      await questions.at(-1)?.answer(ends);
      await asked;
    }
    expect(told.map(([, , kind]) => kind)).toEqual(['passed', 'passed']);
    expect(verdicts.map((each) => (each.kind === 'passed' ? each.warnings.length : -1))).toEqual([0, 1]);
  });
});

describe('why nothing is known of a key', () => {
  it.each<[what: string, answer: Answer, reason: RegExp]>([
    [
      'a wrong secret',
      [400, { code: -1022 }],
      /^main: Binance answered HTTP 400, code -1022: the secret or private key/,
    ],
    [
      'an unknown key',
      [401, { code: -2015 }],
      /^main: Binance answered HTTP 401, code -2015: the key is unknown there/,
    ],
    [
      'no key at all',
      [400, { code: -2014 }],
      /^main: Binance answered HTTP 400, code -2014: this is not what/,
    ],
    [
      'no such path',
      [404, {}],
      /^main: Binance answered HTTP 404 to \/sapi\/.*keyPreflight \(BINANCE_PROXY_KEY_PREFLIGHT\)/,
    ],
    ['a failure', DOWN, /^main: Binance answered HTTP 503$/],
  ])('The reason is told once for each reason: %s', async (_what, answer, reason) => {
    const { gate, unanswered, signs } = gateOver(
      { main: OLD },
      { answers: [answer, answer, DOWN, HARMLESS] },
    );
    await gate.check();
    await gate.check();
    expect(unanswered).toEqual([expect.stringMatching(reason)]);
    expect(() => signs()).toThrow(unanswered[0]?.replace('main: ', 'Signing is stopped for this account: '));
    await gate.check();
    expect(unanswered).toHaveLength(answer === DOWN ? 1 : 2);
    await gate.check();
    expect(signs()).toBe('old-key');
  });
});
