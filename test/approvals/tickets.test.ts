import { beforeEach, describe, expect, it } from 'vitest';
import { ApprovalStage, asking, BOT, BUY, pendingId } from '../support/approvals/approval-stage.ts';
import { catalogueEndpoint } from '../support/fixtures/catalogue-endpoints.ts';

const TRANSFER = catalogueEndpoint('POST', '/sapi/v1/asset/transfer');
const MOVE = { type: 'MAIN_UMFUTURE', asset: 'USDT', amount: '2000' };

let stage: ApprovalStage;
beforeEach(() => {
  stage = new ApprovalStage();
});

const ask = async (...call: Parameters<ApprovalStage['call']>) => pendingId(await stage.call(...call));
const bot = (rules: Parameters<typeof asking>[0]) => ({ ...BOT, approval: asking(rules) });

describe('an ask', () => {
  it('A call that needs a yes waits, is approved, and passes once with a new client order id', async () => {
    const id = await ask();
    expect(stage.approve(id)).toBe('approved');
    expect(await stage.send({ ...BUY, newClientOrderId: 'second' })).toBe('sent');
    expect(await stage.send({ ...BUY, newClientOrderId: 'third' })).toBe('PROXY_APPROVAL_PENDING');
    expect(stage.problems()).toEqual([]);
    expect(
      stage.records('approval.asked', 'approval.decided', 'approval.used').map(({ event }) => event),
    ).toEqual(['approval.asked', 'approval.decided', 'approval.used', 'approval.asked']);
  });

  it('Two yes to one ask cover one call', async () => {
    const id = await ask();
    stage.approve(id, 'alice');
    expect(stage.approve(id, 'bob')).toContain('has the yes of enough operators already');
    const both = await Promise.all([stage.send(), stage.send()]);
    expect(both.toSorted()).toEqual(['PROXY_APPROVAL_PENDING', 'sent']);
  });

  it('The refusal alone says what to do', async () => {
    const fared = await stage.call();
    expect(fared).toMatchObject({ rule: 'approval.above' });
    const { msg } = fared as { msg: string };
    expect(msg).toContain('nothing was sent');
    expect(msg).toContain('Send the same order again');
    expect(msg).toMatch(/decided by 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ/);
  });

  it('Equal calls join one ask, and it tells how often it was asked', async () => {
    const first = await ask();
    for (let again = 0; again < 20; again++)
      expect(await ask({ ...BUY, newClientOrderId: `again-${again}` })).toBe(first);
    expect(stage.decisions.list()).toMatchObject([{ id: first, asked: 21 }]);
    expect(stage.records('approval.asked')).toHaveLength(1);
  });

  it('A yes needs the digest of what it is said to', async () => {
    const id = await ask();
    const other = await ask({ ...BUY, quantity: '0.9' });
    expect(stage.approve(id, 'alice', stage.digest(other))).toContain('The digest is not the one');
    expect(stage.approve(id, 'alice', stage.digest(id).slice(0, 7))).toContain('The digest is not the one');
    expect(stage.approve(id, 'alice', '')).toContain('The digest is not the one');
    expect(await stage.send()).toBe('PROXY_APPROVAL_PENDING');
    expect(stage.approve(id, 'alice', stage.digest(id).slice(0, 8))).toBe('approved');
  });

  it('What is not above the limit, cancels, reads, tests and exits are never asked for', async () => {
    const everything = bot({
      permissions: new Set(['futures-trade', 'spot-margin-trade']),
      symbols: new Set(['BTCUSDT']),
    });
    const small = { ...BUY, quantity: '0.001', price: '100' };
    expect(await stage.call(small)).toEqual({ passed: undefined });
    for (const [method, path, form] of [
      ['DELETE', '/api/v3/order', { symbol: 'BTCUSDT', orderId: '1' }],
      ['POST', '/fapi/v1/countdownCancelAll', { symbol: 'BTCUSDT', countdownTime: '1000' }],
      ['POST', '/api/v3/order/test', BUY],
      ['POST', '/fapi/v1/order', { ...BUY, reduceOnly: 'true' }],
      ['POST', '/fapi/v1/order', { ...BUY, side: 'SELL', positionSide: 'LONG' }],
    ] as const)
      expect(await stage.call(form, everything, catalogueEndpoint(method, path))).toEqual({
        passed: undefined,
      });
    expect(await stage.call(small, everything)).toMatchObject({
      error: 'PROXY_APPROVAL_PENDING',
      rule: 'approval.permissions',
    });
  });

  it('An asset without a limit is asked for always, and so is a symbol that is named', async () => {
    expect(await stage.call(BUY, bot({ above: new Map([['EUR', '1000000']]) }))).toMatchObject({
      rule: 'approval.above',
    });
    stage = new ApprovalStage();
    const small = { ...BUY, quantity: '0.001', price: '100' };
    expect(await stage.call(small, bot({ symbols: new Set(['BTCUSDT']) }))).toMatchObject({
      rule: 'approval.symbols',
    });
  });

  it('The sum of a batch decides, and an order that only reduces counts nothing', async () => {
    const batch = catalogueEndpoint('POST', '/fapi/v1/batchOrders');
    const one = {
      symbol: 'BTCUSDT',
      side: 'BUY',
      type: 'LIMIT',
      timeInForce: 'GTC',
      quantity: '0.006',
      price: '100000',
    };
    const of = (...orders: readonly object[]) => ({ batchOrders: JSON.stringify(orders) });
    expect(await stage.call(of(one), BOT, batch)).toEqual({ passed: undefined });
    expect(await stage.call(of(one, { ...one, reduceOnly: 'true' }), BOT, batch)).toEqual({
      passed: undefined,
    });
    const id = await ask(of(one, one), BOT, batch);
    stage.approve(id);
    expect(await stage.send(of(one, one, one), BOT, batch)).toBe('PROXY_APPROVAL_PENDING');
    expect(
      await stage.send(of({ ...one, newClientOrderId: 'a' }, { ...one, quantity: '0.0055' }), BOT, batch),
    ).toBe('sent');
    expect(stage.problems()).toEqual([]);
  });

  it('A transfer is asked for by its own amount, and may be made smaller', async () => {
    expect(await stage.call({ ...MOVE, amount: '999' }, BOT, TRANSFER)).toEqual({ passed: undefined });
    expect(await stage.call({ ...MOVE, asset: 'BTC', amount: '0.001' }, BOT, TRANSFER)).toMatchObject({
      error: 'PROXY_APPROVAL_PENDING',
    });
    const id = await ask(MOVE, BOT, TRANSFER);
    stage.nowMs += 14 * 60_000;
    expect(stage.approve(id)).toBe('approved');
    stage.nowMs += 9 * 60_000;
    expect(await stage.send({ ...MOVE, type: 'MAIN_CMFUTURE' }, BOT, TRANSFER)).toBe(
      'PROXY_APPROVAL_PENDING',
    );
    expect(await stage.send({ ...MOVE, amount: '1500' }, BOT, TRANSFER)).toBe('sent');
    expect(stage.problems()).toEqual([]);
  });
});

describe('use', () => {
  it.each([
    ['a larger quantity', { quantity: '0.503' }],
    ['a worse price', { price: '100600' }],
    ['another symbol', { symbol: 'ETHBTC' }],
    ['another side', { side: 'SELL' }],
    ['another type', { type: 'LIMIT_MAKER' }],
    ['another time in force', { timeInForce: 'IOC' }],
    ['one more parameter', { icebergQty: '0.1' }],
    ['worth that is more by both', { quantity: '0.502', price: '100400' }],
  ])('What was approved does not pass with %s, and stays usable', async (_, change) => {
    const id = await ask();
    stage.approve(id);
    const other = await stage.call({ ...BUY, ...change });
    expect(pendingId(other)).not.toBe(id);
    expect(await stage.send()).toBe('sent');
  });

  it.each([
    ['a smaller quantity', { quantity: '0.1' }],
    ['a larger one within the tolerance', { quantity: '0.5024' }],
    ['a better price', { price: '90000' }],
    ['a worse one within the tolerance', { price: '100400' }],
    ['another spelling of the number', { quantity: '0.500' }],
  ])('What was approved passes with %s', async (_, change) => {
    stage.approve(await ask());
    expect(await stage.send({ ...BUY, ...change })).toBe('sent');
    expect(stage.problems()).toEqual([]);
  });

  it('A sale may name a better price as long as it is worth no more, and no worse one', async () => {
    const sell = { ...BUY, side: 'SELL', price: '110000' };
    stage.approve(await ask(sell));
    expect(await stage.send({ ...sell, price: '109000' })).toBe('PROXY_APPROVAL_PENDING');
    expect(await stage.send({ ...sell, price: '120000' })).toBe('PROXY_APPROVAL_PENDING');
    expect(await stage.send({ ...sell, price: '110500' })).toBe('sent');
  });

  it('A yes ends with its time, and a wait that ends is no denial', async () => {
    stage.approve(await ask());
    stage.nowMs += 60_000;
    expect(await stage.send()).toBe('PROXY_APPROVAL_PENDING');
    expect(stage.records('approval.expired')).toHaveLength(1);
  });

  it('Nobody approves what has expired', async () => {
    const id = await ask();
    stage.nowMs += 180_000;
    expect(stage.approve(id, 'alice', stage.records('approval.asked')[0]?.approval?.digest)).toContain(
      'is expired',
    );
    expect(await stage.send()).toBe('PROXY_APPROVAL_PENDING');
  });

  it('A yes ends when the book moves', async () => {
    const id = await ask();
    stage.approve(id);
    stage.priceFactor = 1.009;
    expect(await stage.call()).toMatchObject({ passed: { id } });
    stage.priceFactor = 1.0101;
    const again = await stage.call();
    expect(stage.records('approval.voided')).toEqual([]);
    expect(pendingId(again)).not.toBe(id);
  });

  it('A yes that nobody holds ends when the book moves, to either side', async () => {
    for (const factor of [1.0101, 0.98]) {
      stage.priceFactor = 1;
      stage.approve(await ask());
      stage.priceFactor = factor;
      expect(await stage.send()).toBe('PROXY_APPROVAL_PENDING');
      expect(stage.records('approval.voided').at(-1)?.approval).toMatchObject({ reason: 'the book moved' });
      for (const { id } of stage.decisions.list()) stage.deny(id);
      stage.nowMs += 60_000;
    }
  });

  it('Nothing of an earlier process can be used', async () => {
    const id = await ask();
    stage.approve(id);
    stage.start();
    expect(() => stage.digest(id)).toThrow('There is no approval with this id');
    expect(await stage.send()).toBe('PROXY_APPROVAL_PENDING');
  });

  it('What the rules of its client were changed under is void', async () => {
    stage.approve(await ask());
    stage.approvals.voidWhere(({ client }) => client.name === 'bot', 'the client’s rules changed');
    expect(await stage.send()).toBe('PROXY_APPROVAL_PENDING');
  });

  it.each([
    [{ kind: 'proxy', name: '' }, true],
    [{ kind: 'account', name: 'main' }, true],
    [{ kind: 'account', name: 'hedge' }, false],
    [{ kind: 'client', name: 'bot' }, true],
    [{ kind: 'client', name: 'other' }, false],
    [{ kind: 'symbol', name: 'BTCUSDT' }, true],
    [{ kind: 'symbol', name: 'ETHUSDT' }, false],
  ] as const)('What a stricter state of %j covers is void', async (scope, isCovered) => {
    const id = await ask();
    stage.approvals.voidScope(scope, 'a stricter state');
    expect(stage.decisions.show(id).state).toBe(isCovered ? 'voided' : 'pending');
  });

  it('A yes while its record cannot be written does not count', async () => {
    const id = await ask();
    stage.isStored = false;
    expect(stage.approve(id)).toBe('The disk is full.');
    expect(stage.decisions.show(id).state).toBe('pending');
    stage.isStored = true;
    expect(stage.approve(id)).toBe('approved');
  });

  it('A call whose record cannot be written gives its approval back', async () => {
    stage.approve(await ask());
    stage.isStored = false;
    expect(await stage.send()).toBe('PROXY_AUDIT_UNAVAILABLE');
    stage.isStored = true;
    expect(await stage.send()).toBe('sent');
    expect(await stage.send()).toBe('PROXY_APPROVAL_PENDING');
  });

  it('What is asked is not asked while its record cannot be written', async () => {
    stage.isStored = false;
    expect(await stage.call()).toMatchObject({ error: 'PROXY_AUDIT_UNAVAILABLE' });
    expect(stage.decisions.list()).toEqual([]);
  });

  it('A call that another judge refuses gives its approval back, unless its time is over', async () => {
    const id = await ask();
    stage.approve(id);
    const { passed } = (await stage.call()) as { passed: Disposable };
    passed[Symbol.dispose]();
    expect(stage.decisions.show(id).state).toBe('approved');
    const second = (await stage.call()) as { passed: Disposable };
    stage.nowMs += 60_001;
    expect(stage.decisions.show(id).state).toBe('approved');
    second.passed[Symbol.dispose]();
    expect(stage.decisions.show(id).state).toBe('expired');
  });

  it('What is taken back between its claim and its record does not leave', async () => {
    stage.approve(await ask());
    const { passed } = (await stage.call()) as { passed: { assertUsable(): void } };
    stage.approvals.voidWhere(() => true, 'a stricter state');
    expect(() => passed.assertUsable()).toThrow('does not hold any more (a stricter state)');
  });
});

describe('decisions', () => {
  it('One no is final, and holds for a minute for the same or less', async () => {
    const twice = bot({ quorum: 2 });
    const id = await ask(BUY, twice);
    expect(stage.approve(id, 'alice')).toBe('pending');
    expect(stage.deny(id, 'bob')).toBe('denied');
    expect(stage.approve(id, 'carol')).toContain('is denied');
    expect(await stage.call(BUY, twice)).toMatchObject({ error: 'PROXY_APPROVAL_DENIED', id });
    expect(await stage.call({ ...BUY, quantity: '0.2' }, twice)).toMatchObject({
      error: 'PROXY_APPROVAL_DENIED',
    });
    expect(await stage.call({ ...BUY, quantity: '0.7' }, twice)).toMatchObject({
      error: 'PROXY_APPROVAL_PENDING',
    });
    stage.nowMs += 60_000;
    expect(await stage.call(BUY, twice)).toMatchObject({ error: 'PROXY_APPROVAL_PENDING' });
  });

  it('A quorum is of distinct operators', async () => {
    const twice = bot({ quorum: 2 });
    const id = await ask(BUY, twice);
    expect(stage.approve(id, 'alice')).toBe('pending');
    expect(stage.approve(id, 'alice')).toContain('has the yes of alice already');
    expect(await stage.send(BUY, twice)).toBe('PROXY_APPROVAL_PENDING');
    expect(stage.approve(id, 'bob')).toBe('approved');
    expect(await stage.send(BUY, twice)).toBe('sent');
    expect(stage.problems()).toEqual([]);
  });

  it('An operator that a client names in notBy does not approve for it, but may say no', async () => {
    const client = bot({ notBy: new Set(['alice']) });
    const id = await ask(BUY, client);
    expect(stage.approve(id, 'alice')).toContain('alice may not approve calls of client bot');
    expect(stage.deny(id, 'alice')).toBe('denied');
  });

  it('A client sees its own asks and no other one', async () => {
    const id = await ask();
    expect(stage.approvals.own(id, 'bot')).toEqual({
      ...{ id, state: 'pending', digest: stage.digest(id), useUntil: null },
      decideUntil: new Date(stage.nowMs + 180_000).toISOString(),
    });
    expect(stage.approvals.own(id, 'other')).toBeUndefined();
    stage.approve(id);
    expect(stage.approvals.own(id, 'bot')?.useUntil).toBe(new Date(stage.nowMs + 60_000).toISOString());
  });

  it('The card says who wants what, what it is worth, and how far it is from the book', async () => {
    const client = {
      ...bot({}),
      order: { maxNotional: new Map([['USDT', '10000']]), maxNotionalPerDay: new Map([['USDT', '200000']]) },
    };
    const id = await ask({ ...BUY, price: '101000' }, client);
    const card = stage.decisions.show(id);
    expect(card.words).toBe(
      'bot wants to BUY 0.5 BTCUSDT LIMIT at 101000, worth 50500 USDT = 505 % of its limit per order, 1 % above the ask.',
    );
    expect(card.facts).toEqual([
      'Account main, environment simulator: POST /api/v3/order.',
      'It is asked because it is worth more than passes without a yes.',
      'Book of BTCUSDT now: bid 100000, ask 100000.5.',
      'That is 25.3 % of its limit per day.',
      'New since the proxy started: the symbol BTCUSDT.',
      'A yes holds for one call: the same, or less, up to 0.5 % larger or at a worse price.',
      'It ends when the book moves by 1 %.',
    ]);
    expect(card.parameters).toBe(
      'price=101000&quantity=0.5&side=BUY&symbol=BTCUSDT&timeInForce=GTC&type=LIMIT',
    );
    expect(card.digestPairs).toBe(card.digest.slice(0, 16).replace(/(..)(?=.)/g, '$1 '));
  });

  it('A parameter that nobody may be shown whole is refused, not asked', async () => {
    const long = { ...MOVE, memo: 'x '.repeat(400) };
    expect(await stage.call(long, BOT, TRANSFER)).toMatchObject({
      error: 'PROXY_ORDER_REFUSED',
      rule: 'unrecordable',
    });
    const secret = { ...MOVE, token: 'abc' };
    expect(await stage.call(secret, BOT, TRANSFER)).toMatchObject({
      error: 'PROXY_ORDER_REFUSED',
      rule: 'unrecordable',
    });
  });
});

describe('the queue', () => {
  it('One client cannot fill the queue of all, and joins are free', async () => {
    const asks = Array.from({ length: 5 }, (_, index) => ({
      ...BUY,
      quantity: String(10 - index),
      price: String(100_000 + index * 2_000),
    }));
    for (const form of asks) await ask(form);
    expect(await stage.call({ ...BUY, quantity: '20' })).toMatchObject({
      error: 'PROXY_ORDER_REFUSED',
      rule: 'approval-queue',
    });
    expect(await stage.call(asks[0])).toMatchObject({ error: 'PROXY_APPROVAL_PENDING' });
    expect(await stage.call(BUY, { ...BOT, name: 'other' })).toMatchObject({
      error: 'PROXY_APPROVAL_PENDING',
    });
  });

  it('Fifty wait in all, ten thousand join, and nothing grows', async () => {
    const clients = Array.from({ length: 10 }, (_, index) => ({ ...BOT, name: `bot-${index}` }));
    const asks = Array.from({ length: 5 }, (_, index) => ({
      ...BUY,
      quantity: String(10 - index),
      price: String(100_000 + index * 2_000),
    }));
    for (const client of clients) for (const form of asks) await ask(form, client);
    expect(await stage.call(BUY, { ...BOT, name: 'late' })).toMatchObject({ rule: 'approval-queue' });
    const records = stage.lines.length;
    for (let join = 0; join < 10_000; join++) {
      const fared = await stage.call(
        { ...asks[join % 5], newClientOrderId: `j-${join}` },
        clients[join % 10],
      );
      if (!('error' in fared) || fared.error !== 'PROXY_APPROVAL_PENDING')
        throw new Error('a join was refused');
    }
    expect(stage.lines).toHaveLength(records);
    expect(stage.decisions.list()).toHaveLength(50);
    expect(stage.decisions.list().reduce((sum, { asked }) => sum + asked, 0)).toBe(10_050);
  });

  it('What joins a moment later is held against no book, and what joins after that is', async () => {
    const id = await ask();
    expect(await ask()).toBe(id);
    const looks = stage.looks;
    for (let join = 0; join < 100; join++) expect(await ask()).toBe(id);
    expect(stage.looks).toBe(looks);
    stage.priceFactor = 1.02;
    stage.nowMs += 251;
    expect(await ask()).not.toBe(id);
    expect(stage.records('approval.voided').at(-1)?.approval).toMatchObject({ id, reason: 'the book moved' });
  });

  it('A yes that was said a moment ago is used by the very next call, also one for more', async () => {
    const small = await ask({ ...BUY, quantity: '0.4' });
    await ask({ ...BUY, quantity: '0.4' });
    const larger = await ask();
    expect(larger).not.toBe(small);
    stage.approve(larger);
    expect(await stage.send({ ...BUY, quantity: '0.4' })).toBe('sent');
    expect(await ask({ ...BUY, quantity: '0.4' })).toBe(small);
  });

  it('A no that was said a moment ago holds for the very next call', async () => {
    const small = await ask({ ...BUY, quantity: '0.4' });
    await ask({ ...BUY, quantity: '0.4' });
    stage.deny(await ask());
    expect(await stage.send({ ...BUY, quantity: '0.4' })).toBe('PROXY_APPROVAL_DENIED');
    expect(stage.decisions.list().map(({ id }) => id)).toEqual([small]);
  });
});
