import { describe, expect, it } from 'vitest';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { member, send } from '../support/clients/signed-caller.ts';
import { ALICE, stageSimulator } from '../support/servers/running-simulator.ts';

const stage = stageSimulator();

describe('/sapi', () => {
  it('The wallet tells what the key may do', async () => {
    stage.simulator.setRestrictions(ALICE.apiKey, { enableWithdrawals: true, ipRestrict: false });
    const { json } = await stage.alice.call('GET', '/sapi/v1/account/apiRestrictions');
    expect(json).toMatchObject({ enableWithdrawals: true, ipRestrict: false, enableReading: true });
    stage.simulator.reset();
    const { json: after } = await stage.alice.call('GET', '/sapi/v1/account/apiRestrictions');
    expect(after).toMatchObject({ enableWithdrawals: false, ipRestrict: true });
    expect(() => stage.simulator.setRestrictions('nobody', {})).toThrow(TypeError);
  });
  it('The wallet carries a withdrawal out, whatever the key may do, and keeps it', async () => {
    const order = { coin: 'BTC', address: '0xfeed', amount: '0.5', name: 'my wallet' };
    const withdrawn = await stage.alice.call('POST', '/sapi/v1/capital/withdraw/apply', order);
    expect(withdrawn.headers['x-sapi-used-uid-weight-1m']).toBe('900');
    expect(stage.simulator.withdrawals).toEqual([
      {
        id: member(withdrawn, 'id'),
        apiKey: ALICE.apiKey,
        coin: 'BTC',
        amount: '0.50000000',
        address: '0xfeed',
        applyTime: expect.any(Number),
      },
    ]);
    const assets = await stage.alice.call('POST', '/sapi/v3/asset/getUserAsset', { asset: 'BTC' });
    expect(assets.json).toEqual([expect.objectContaining({ asset: 'BTC', free: '1.50000000' })]);
    const more = await stage.alice.call('POST', '/sapi/v1/capital/withdraw/apply', { ...order, amount: '2' });
    expect(member<number>(more, 'code')).toBe(-4026);
    expect(stage.simulator.withdrawals).toHaveLength(1);
  });
  it('The wallet moves funds to the futures wallet', async () => {
    stage.simulator.setRestrictions(ALICE.apiKey, { permitsUniversalTransfer: true });
    const transfer = { type: 'MAIN_UMFUTURE', asset: 'USDT', amount: '100' };
    const moved = await stage.alice.call('POST', '/sapi/v1/asset/transfer', transfer);
    expect(member<number>(moved, 'tranId')).toBeGreaterThan(0);
    const balance = await stage.alice.call('GET', '/fapi/v3/balance');
    expect(member(balance, 0, 'balance')).toBe('10100.00000000');
  });
  it('The wallet accepts a margin order without borrowing, and weighs one that borrows', async () => {
    const order = {
      symbol: 'BTCUSDT',
      side: 'BUY',
      type: 'LIMIT',
      timeInForce: 'GTC',
      quantity: '1',
      price: '50000',
      newClientOrderId: 'm',
    };
    const plain = await stage.alice.call('POST', '/sapi/v1/margin/order', order);
    expect(plain.json).toMatchObject({ status: 'NEW', clientOrderId: 'm' });
    expect(plain.headers['x-sapi-used-uid-weight-1m']).toBe('6');
    const loan = { ...order, sideEffectType: 'MARGIN_BUY' };
    const borrowed = await stage.alice.call('POST', '/sapi/v1/margin/order', loan);
    expect(borrowed.headers['x-sapi-used-uid-weight-1m']).toBe('1506');
  });
  it('The wallet takes the key alone for its margin pairs', async () => {
    const headers = { 'X-MBX-APIKEY': ALICE.apiKey };
    const pairs = await send(stage.simulator.url, 'GET', '/sapi/v1/margin/allPairs', { headers });
    expect(pairs.json).toContainEqual(expect.objectContaining({ symbol: '币安人生USDT' }));
    expect((await stage.alice.call('GET', '/sapi/v1/margin/isolated/allPairs')).status).toBe(200);
  });
  it('A testnet has no /sapi', async () => {
    const testnet = await startSimulator({ accounts: [ALICE], sapi: false });
    const { status } = await send(testnet.url, 'GET', '/sapi/v1/system/status');
    const { status: spot } = await send(testnet.url, 'GET', '/api/v3/ping');
    await testnet.close();
    expect([status, spot]).toEqual([404, 200]);
  });
});
