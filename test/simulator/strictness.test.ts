import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { form, hmacSigner, type RawCall, send } from '../support/clients/signed-caller.ts';
import { ALICE, stageSimulator } from '../support/servers/running-simulator.ts';

const stage = stageSimulator();
const sign = hmacSigner(ALICE.hmacSecret);
const KEY = { 'X-MBX-APIKEY': ALICE.apiKey };
const ORDER = 'symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=50000';

function stamped(pairs: string): string {
  return `${pairs}${pairs === '' ? '' : '&'}timestamp=${stage.simulator.exchange.nowMs()}`;
}

function signed(pairs: string): string {
  const payload = stamped(pairs);
  return `${payload}&signature=${sign(payload)}`;
}

async function answerTo(method: string, target: string, call: RawCall = {}) {
  const { status, json } = await send(stage.simulator.url, method, target, call);
  const last = stage.simulator.requests.at(-1)!;
  expect(last).toMatchObject({ method, target, status });
  return { status, code: (json as { code?: number } | undefined)?.code, verified: last.verified };
}

const refused = (code: number, status = 400) => ({ status, code, verified: false });
/** The signature was right; what was refused is something else. */
const refusedLater = (code: number, status = 400) => ({ status, code, verified: true });

describe('an endpoint without security', () => {
  it('An endpoint without security answers who sends nothing but its parameters', async () => {
    expect(await answerTo('GET', '/api/v3/depth?symbol=BTCUSDT')).toMatchObject({
      status: 200,
      verified: true,
    });
  });
  it('An endpoint without security refuses a key, also an empty one', async () => {
    expect(await answerTo('GET', '/api/v3/ping', { headers: KEY })).toEqual(refused(-1101));
    expect(await answerTo('GET', '/api/v3/ping', { headers: { 'X-MBX-APIKEY': '' } })).toEqual(
      refused(-1101),
    );
  });
  it('An endpoint without security refuses timestamp, recvWindow and signature', async () => {
    for (const name of ['timestamp', 'recvWindow', 'signature']) {
      expect(await answerTo('GET', `/api/v3/depth?symbol=BTCUSDT&${name}=1`)).toEqual(refused(-1104));
      expect(await answerTo('GET', `/api/v3/time?${name}=1`)).toEqual(refused(-1101));
      expect(await answerTo('GET', `/fapi/v1/fundingRate?symbol=BTCUSDT&${name}=1`)).toEqual(refused(-1104));
    }
  });
  it('An endpoint without security refuses what it does not know: -1101 where it takes nothing, else -1104', async () => {
    expect(await answerTo('GET', '/api/v3/ping?a=1')).toEqual(refusedLater(-1101));
    expect(await answerTo('GET', '/api/v3/depth?symbol=BTCUSDT&a=1')).toEqual(refusedLater(-1104));
  });
});

describe('an endpoint that takes the key alone', () => {
  const path = '/fapi/v1/listenKey';
  it('An endpoint that takes the key alone answers who sends the key', async () => {
    expect(await answerTo('POST', path, { headers: KEY })).toMatchObject({ status: 200, verified: true });
  });
  it('An endpoint that takes the key alone refuses a missing, ill-formed or unknown key', async () => {
    expect(await answerTo('POST', path)).toEqual(refused(-2014, 401));
    expect(await answerTo('POST', path, { headers: { 'X-MBX-APIKEY': 'short' } })).toEqual(
      refused(-2014, 401),
    );
    const unknown = { 'X-MBX-APIKEY': 'Z'.repeat(64) };
    expect(await answerTo('POST', path, { headers: unknown })).toEqual(refused(-2015, 401));
  });
  it('An endpoint that takes the key alone refuses to be signed', async () => {
    expect(await answerTo('POST', path, { headers: KEY, body: signed('') })).toEqual(refused(-1101));
    expect(await answerTo('PUT', `${path}?listenKey=a&timestamp=1`, { headers: KEY })).toEqual(
      refused(-1104),
    );
  });
});

describe('a signed endpoint', () => {
  const post = (body: string | Buffer, headers = KEY) =>
    answerTo('POST', '/api/v3/order/test', { headers, body });

  it('A signed endpoint accepts all in the query, all in the body, and both glued without a separator', async () => {
    const ok = { status: 200, code: undefined, verified: true };
    expect(await answerTo('POST', `/api/v3/order/test?${signed(ORDER)}`, { headers: KEY })).toEqual(ok);
    expect(await post(signed(ORDER))).toEqual(ok);
    const [query, rest] = ['symbol=BTCUSDT&side=BUY', stamped('type=MARKET&quantity=1')];
    const body = `${rest}&signature=${sign(query + rest)}`;
    expect(await answerTo('POST', `/api/v3/order/test?${query}`, { headers: KEY, body })).toEqual(ok);
    const wrong = `${rest}&signature=${sign(`${query}&${rest}`)}`;
    expect(await answerTo('POST', `/api/v3/order/test?${query}`, { headers: KEY, body: wrong })).toEqual(
      refused(-1022),
    );
  });
  it('A signed endpoint refuses a missing, ill-formed or unknown key', async () => {
    expect(await answerTo('POST', '/api/v3/order/test', { body: signed(ORDER) })).toEqual(
      refused(-2014, 401),
    );
    expect(await answerTo('GET', '/api/v3/account')).toEqual(refused(-2014, 401));
    expect(await post(signed(ORDER), { 'X-MBX-APIKEY': 'a b' })).toEqual(refused(-2014, 401));
    expect(await post(signed(ORDER), { 'X-MBX-APIKEY': 'Z'.repeat(64) })).toEqual(refused(-2015, 401));
  });
  it('A signed endpoint wants timestamp and signature', async () => {
    expect(await post(`${ORDER}&signature=${sign(ORDER)}`)).toEqual(refused(-1102));
    expect(await post(stamped(ORDER))).toEqual(refused(-1102));
    expect(await post(`${stamped(ORDER)}&signature=`)).toEqual(refused(-1102));
    const odd = `${ORDER}&timestamp=12.5`;
    expect(await post(`${odd}&signature=${sign(odd)}`)).toEqual(refused(-1100));
  });
  it('A signed endpoint refuses a wrong signature and one that is not 64 hex digits', async () => {
    expect(await post(`${stamped(ORDER)}&signature=${'0'.repeat(64)}`)).toEqual(refused(-1022));
    expect(await post(`${stamped(ORDER)}&signature=abc`)).toEqual(refused(-1100));
  });
  it('A signed endpoint wants the signature last, and in the body when there is one', async () => {
    const payload = stamped(ORDER);
    expect(await post(`signature=${sign(payload)}&${payload}`)).toEqual(refused(-1022));
    const inQuery = `/api/v3/order/test?signature=${sign(payload)}`;
    expect(await answerTo('POST', inQuery, { headers: KEY, body: payload })).toEqual(refused(-1022));
  });
  it('A signed endpoint refuses a name twice, within query or body or across the two', async () => {
    expect(await post(signed(`${ORDER}&side=BUY`))).toEqual(refused(-1101));
    expect(await post(signed(`${ORDER}&timestamp=1`))).toEqual(refused(-1101));
    const body = stamped('side=BUY&type=MARKET&quantity=1');
    const query = 'symbol=BTCUSDT&side=BUY';
    const call = { headers: KEY, body: `${body}&signature=${sign(query + body)}` };
    expect(await answerTo('POST', `/api/v3/order/test?${query}`, call)).toEqual(refused(-1101));
  });
  it('A signed endpoint takes a repeated name where the endpoint has one', async () => {
    const dust = (pairs: string) =>
      answerTo('POST', '/sapi/v1/asset/dust', { headers: KEY, body: signed(pairs) });
    expect(await dust('asset=BTC&asset=BNB')).toMatchObject({ status: 200, verified: true });
    expect(await dust('asset=%5B%22BTC%22%2C%22BNB%22%5D')).toMatchObject({ status: 200, verified: true });
    expect(await dust('asset=%5B')).toEqual(refusedLater(-1100));
    expect(await dust('accountType=SPOT')).toEqual(refusedLater(-1102));
    expect(await dust('asset=BTC&accountType=SPOT&accountType=SPOT')).toEqual(refused(-1101));
  });
  it('A signed endpoint refuses every byte that was not percent-encoded before it was signed', async () => {
    for (const raw of [
      '币',
      'a b',
      '"',
      '[',
      ']',
      '{',
      '}',
      '<',
      '|',
      '\\',
      '^',
      '`',
      '#',
      '%',
      '%zz',
      '\u0001',
    ]) {
      const payload = Buffer.from(stamped(`${ORDER}&newClientOrderId=${raw}`)).toString('latin1');
      const body = Buffer.from(`${payload}&signature=${sign(payload)}`, 'latin1');
      const { status, code, verified } = await post(body);
      expect({ raw, status, verified }).toEqual({ raw, status: 400, verified: false });
      expect([-1022, -1100]).toContain(code);
    }
    const encoded = signed(form({ symbol: '币安人生USDT', side: 'BUY', type: 'MARKET', quantity: '100' }));
    expect(await post(encoded)).toMatchObject({ status: 200, verified: true });
  });
  it('A signed endpoint refuses empty segments and escapes that are no text', async () => {
    expect(await post(signed(`&${ORDER}`))).toEqual(refused(-1100));
    expect(await post(signed(`${ORDER}&newClientOrderId=%FF`))).toEqual(refused(-1100));
  });
  it('A signed endpoint refuses unknown, missing and malformed parameters once the signature is right', async () => {
    expect(await post(signed(`${ORDER}&a=1`))).toEqual(refusedLater(-1104));
    expect(await post(signed(ORDER.replace('&side=BUY', '')))).toEqual(refusedLater(-1102));
    expect(await post(signed(ORDER.replace('&price=50000', '')))).toEqual(refusedLater(-1102));
    expect(await post(signed(`${ORDER}&newClientOrderId=${'a'.repeat(37)}`))).toEqual(refusedLater(-1100));
    expect(await post(signed(`${ORDER}&newClientOrderId=a%3D1`))).toEqual(refusedLater(-1100));
    expect(await post(signed(ORDER.replace('BTCUSDT', 'btcusdt')))).toEqual(refusedLater(-1100));
    expect(await post(signed(ORDER.replace('BTCUSDT', 'BTCEUR')))).toEqual(refusedLater(-1121));
    expect(await post(signed(ORDER.replace('50000', '5e4')))).toEqual(refusedLater(-1100));
    expect(await post(signed(`${ORDER}&quoteOrderQty=10`))).toEqual(refusedLater(-1106));
    expect(await post(signed(ORDER.replace('LIMIT', 'LIMITED')))).toEqual(refusedLater(-1116));
    expect(await post(signed(ORDER.replace('BUY', 'HOLD')))).toEqual(refusedLater(-1117));
    expect(await post(signed(ORDER.replace('GTC', 'GTD')))).toEqual(refusedLater(-1115));
  });
  it('A signed endpoint wants a body to be a form, and no body on GET', async () => {
    const json = { ...KEY, 'Content-Type': 'application/json' };
    expect(await post(signed(ORDER), json)).toEqual(refused(-1100, 415));
    const call = { headers: KEY, body: signed('') };
    expect(await answerTo('GET', '/api/v3/account', call)).toEqual(refused(-1101));
  });
  it('A signed endpoint refuses a key without the permission, whose signature is right', async () => {
    stage.simulator.setRestrictions(ALICE.apiKey, {
      enableSpotAndMarginTrading: false,
      enableReading: false,
    });
    expect(await post(signed(ORDER))).toEqual(refusedLater(-2015, 401));
    expect(await answerTo('GET', `/api/v3/account?${signed('')}`, { headers: KEY })).toEqual(
      refusedLater(-2015, 401),
    );
    const transfer = signed('type=MAIN_UMFUTURE&asset=USDT&amount=1');
    expect(await answerTo('POST', '/sapi/v1/asset/transfer', { headers: KEY, body: transfer })).toEqual(
      refusedLater(-2015, 401),
    );
  });
  it('A path that is not simulated is as strict as any, and lets any parameters through', async () => {
    for (const path of [
      '/sapi/v1/sub-account/list',
      '/dapi/v1/account',
      '/eapi/v1/account',
      '/papi/v1/balance',
    ]) {
      expect(await answerTo('GET', `${path}?${signed('a=1&b=2')}`, { headers: KEY })).toMatchObject({
        status: 200,
        verified: true,
      });
      expect(
        await answerTo('GET', `${path}?${stamped('')}&signature=${'0'.repeat(64)}`, { headers: KEY }),
      ).toEqual(refused(-1022));
      expect(await answerTo('GET', `${path}?${signed('a=1&a=1')}`, { headers: KEY })).toEqual(refused(-1101));
    }
  });
});

describe('the edge', () => {
  it('The simulator answers unknown paths with a page', async () => {
    for (const target of [
      '/',
      '/api/v3/Order',
      '/api/v3/order/',
      '//api/v3/ping',
      '/wapi/v3/withdraw.html',
    ]) {
      const { status, headers } = await send(stage.simulator.url, 'GET', target);
      expect({ target, status, type: headers['content-type'] }).toEqual({
        target,
        status: 404,
        type: 'text/html',
      });
    }
    expect(await answerTo('DELETE', '/api/v3/ping')).toMatchObject({ status: 404 });
    expect(await answerTo('POST', '/api/v3/userDataStream', { headers: KEY })).toMatchObject({ status: 410 });
  });
  it('The simulator answers what is no HTTP with 400', async () => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const socket = connect(stage.simulator.port, '127.0.0.1', () => {
      socket.write('GET /api/v3/ping?a=币 HTTP/1.1\r\nHost: a\r\n\r\n');
    });
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
    expect(await promise).toMatch(/^HTTP\/1\.1 400 /);
  });
});
