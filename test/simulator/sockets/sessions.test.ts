import { describe, expect, it } from 'vitest';
import { type Line, pick } from '../../support/clients/simulator-ws-caller.ts';
import { ALICES, CAROLS, DAVES, LIMIT_ORDER, stageSockets } from '../../support/servers/simulator-stage.ts';

const stage = stageSockets();
const stamp = () => ({ timestamp: stage.simulator.exchange.nowMs() });
const subscriptions = async (line: Line) => (await line.call('session.subscriptions')).result;

describe('a session', () => {
  it('A session logs on with an Ed25519 key, and then needs only timestamps', async () => {
    const line = await stage.line('/ws-api/v3', CAROLS);
    expect(pick((await line.call('session.status')).result, 'apiKey')).toBeNull();
    const logon = await line.signed('session.logon');
    expect([logon.status, pick(logon.result, 'apiKey')]).toEqual([200, CAROLS.apiKey]);
    expect(pick((await line.call('session.status')).result, 'authorizedSince')).toBe(
      pick(logon.result, 'authorizedSince'),
    );
    expect((await line.call('order.place', { ...LIMIT_ORDER, ...stamp() })).status).toBe(200);
    expect(stage.simulator.frames.at(-1)).toMatchObject({ verified: true, account: CAROLS.apiKey });
    expect((await line.call('order.place', LIMIT_ORDER)).error?.code).toBe(-1102);
    const late = { ...LIMIT_ORDER, timestamp: stamp().timestamp - 6_000 };
    expect((await line.call('order.place', late)).error?.code).toBe(-1021);
    const unasked = { ...LIMIT_ORDER, ...stamp(), signature: 'ab' };
    expect((await line.call('order.place', unasked)).error?.code).toBe(-1106);
    expect(pick((await line.call('session.logout')).result, 'apiKey')).toBeNull();
    expect((await line.call('order.place', { ...LIMIT_ORDER, ...stamp() })).error?.code).toBe(-1102);
  });

  it.each([
    ['HMAC', ALICES],
    ['RSA', DAVES],
  ])('A session does not log on with an %s key', async (_type, key) => {
    const line = await stage.line('/ws-api/v3', key);
    const answer = await line.signed('session.logon');
    expect([answer.status, answer.error?.code]).toEqual([401, -4056]);
    expect((await line.call('account.status', stamp())).error?.code).toBe(-1102);
  });

  it('A session belongs to its connection alone', async () => {
    const line = await stage.line('/ws-api/v3', CAROLS);
    const other = await stage.line('/ws-api/v3', CAROLS);
    await line.signed('session.logon');
    expect((await other.call('account.status', stamp())).error?.code).toBe(-1102);
  });

  it('A session gives way to a key that a frame names, for that frame', async () => {
    const line = await stage.line('/ws-api/v3', ALICES);
    const logon = await stage.line('/ws-api/v3', CAROLS);
    await line.call('session.logon', logon.paramsText());
    await line.signed('account.status');
    await line.call('account.status', stamp());
    const unsigned = await line.call('account.status', { ...stamp(), apiKey: ALICES.apiKey });
    expect(stage.simulator.frames.slice(1).map(({ account }) => account)).toEqual([
      ALICES.apiKey,
      CAROLS.apiKey,
      undefined,
    ]);
    expect(unsigned.error?.code).toBe(-1102);
  });

  it('A session exists on the futures APIs too', async () => {
    const line = await stage.line('/ws-fapi/v1', CAROLS);
    expect((await line.signed('session.logon')).status).toBe(200);
    expect((await line.call('account.balance', stamp())).status).toBe(200);
  });
});

describe('a user data subscription', () => {
  it('A user data subscription needs a session, or is signed itself', async () => {
    const line = await stage.line('/ws-api/v3', CAROLS);
    expect((await line.call('userDataStream.subscribe')).error?.code).toBe(-2015);
    await line.signed('session.logon');
    expect((await line.call('userDataStream.subscribe', stamp())).error?.code).toBe(-1101);
    expect((await line.call('userDataStream.subscribe')).result).toEqual({ subscriptionId: 0 });
    const other = await stage.line('/ws-api/v3', ALICES);
    expect((await other.call('userDataStream.subscribe.signature')).error?.code).toBe(-1102);
    expect((await other.signed('userDataStream.subscribe.signature')).result).toEqual({ subscriptionId: 0 });
  });

  it('A user data subscription is one for each account on a connection, with ids that are not used again', async () => {
    const line = await stage.line('/ws-api/v3', ALICES);
    const carol = await stage.line('/ws-api/v3', CAROLS);
    const subscribe = (params: string) => line.call('userDataStream.subscribe.signature', params);
    expect((await subscribe(line.paramsText())).result).toEqual({ subscriptionId: 0 });
    expect((await subscribe(line.paramsText())).error?.code).toBe(-2035);
    expect((await subscribe(carol.paramsText())).result).toEqual({ subscriptionId: 1 });
    expect(await subscriptions(line)).toEqual([{ subscriptionId: 0 }, { subscriptionId: 1 }]);
    expect((await line.call('userDataStream.unsubscribe', { subscriptionId: 5 })).error?.code).toBe(-2036);
    line.send('{"id":"u","method":"userDataStream.unsubscribe","params":{"subscriptionId":0}}');
    expect(await line.next()).toMatchObject({
      subscriptionId: 0,
      event: { e: 'eventStreamTerminated' },
    });
    expect(await line.next()).toMatchObject({ id: 'u', status: 200, result: {} });
    expect((await subscribe(line.paramsText())).result).toEqual({ subscriptionId: 2 });
    await line.call('userDataStream.unsubscribe');
    expect(await subscriptions(line)).toEqual([]);
  });

  it('A user data subscription of a logon ends with the logout, and others stay', async () => {
    const line = await stage.line('/ws-api/v3', CAROLS);
    const alice = await stage.line('/ws-api/v3', ALICES);
    await line.signed('session.logon');
    await line.call('userDataStream.subscribe');
    await line.call('userDataStream.subscribe.signature', alice.paramsText());
    await line.call('session.logout');
    expect(await subscriptions(line)).toEqual([{ subscriptionId: 1 }]);
  });

  it('A user data subscription by listen token takes the token that REST gave', async () => {
    const line = await stage.line('/ws-api/v3');
    const { body } = await rest('/sapi/v1/userListenToken');
    const listenToken = pick(JSON.parse(body), 'token');
    const answer = await line.call('userDataStream.subscribe.listenToken', { listenToken });
    expect(pick(answer.result, 'subscriptionId')).toBe(0);
    const wrong = await line.call('userDataStream.subscribe.listenToken', { listenToken: 'x' });
    expect(wrong.error?.code).toBe(-1209);
  });
});

async function rest(path: string): Promise<{ readonly body: string }> {
  const headers = { 'X-MBX-APIKEY': ALICES.apiKey };
  const response = await fetch(`${stage.simulator.url}${path}`, { method: 'POST', headers });
  return { body: await response.text() };
}
