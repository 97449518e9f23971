import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isHeldToSymbols, judgeTouchedSymbols } from '../../../src/core/access/touched-symbols.ts';
import { readCall } from '../../../src/core/call/call.ts';
import { encodeComponent } from '../../../src/core/call/form.ts';
import { clientWith } from '../../support/fixtures/order-fixtures.ts';
import { runs } from '../../support/properties.ts';

const SYMBOL = { effect: 'none', touches: 'symbol' } as const;
const ACCOUNT = { effect: 'none', touches: 'account' } as const;
const PLACE = { effect: 'place', touches: 'orders' } as const;
const CANCEL = { effect: 'cancel', touches: 'orders' } as const;
const COUNTDOWN = { effect: 'cancel', touches: 'symbol' } as const;

const granted = (...symbols: readonly string[]) => clientWith(undefined, { symbols: new Set(symbols) });
const bot = granted('BTCUSDT', 'BTCUSD_PERP');

/** The rules that a call with this body breaks. */
function broken(body: string, endpoint: Parameters<typeof judgeTouchedSymbols>[1] = SYMBOL, client = bot) {
  const call = readCall('POST', '/fapi/v1/leverage', Buffer.from(body));
  return judgeTouchedSymbols(client, endpoint, call).map(({ rule }) => rule);
}

const json = (name: string, value: unknown): string =>
  `${name}=${encodeComponent(typeof value === 'string' ? value : JSON.stringify(value))}`;

describe('the symbols that a call touches', () => {
  it('A foreign symbol is refused under every name and in every letter case that names one', () => {
    for (const name of [
      'symbol',
      'Symbol',
      'SYMBOL',
      'symbols',
      'fromSymbol',
      'toSymbol',
      'isolatedSymbol',
      'underlying',
      'Underlyings',
      'pair',
      'Pairs',
      'futuresPair',
    ]) {
      expect(broken(`symbol=BTCUSDT&${name === 'symbol' ? 'Symbol' : name}=ETHUSDT`), name).toEqual([
        'symbols',
      ]);
      expect(broken(`${name}=ETHUSDT`, ACCOUNT), name).toEqual(['symbols']);
      expect(broken(`${name}=ETHUSDT`, COUNTDOWN), name).toEqual(['symbols']);
    }
  });

  it.each([
    ['a comma list', 'symbols=BTCUSDT,ETHUSDT'],
    ['a comma list with a gap', 'symbols=BTCUSDT,'],
    ['a JSON list', json('symbols', ['BTCUSDT', 'ETHUSDT'])],
    ['a JSON list behind a space', json('symbols', ' ["ETHUSDT"]')],
    ['an escaped JSON text', json('symbols', '["ETH\\u0055SDT"]')],
    ['a list within a list', json('symbols', [['BTCUSDT'], ['ETHUSDT']])],
    ['an object', json('orderArgs', { symbol: 'ETHUSDT' })],
    ['a list of objects', json('orderArgs', [{ symbol: 'BTCUSDT' }, { symbol: 'ETHUSDT' }])],
    ['an object in another letter case', json('orderArgs', [{ symbol: 'BTCUSDT', Symbol: 'ETHUSDT' }])],
    ['a list inside an object', json('any', { deeper: { symbols: ['ETHUSDT'] } })],
    ['a text that is JSON again', json('any', { symbols: '["ETHUSDT"]' })],
    ['a JSON body', JSON.stringify({ symbol: 'BTCUSDT', symbols: ['ETHUSDT'] })],
    ['small letters', 'symbol=btcusdt'],
    ['a space before it', 'symbol=+BTCUSDT'],
  ])('A foreign symbol in %s is refused', (_what, body) => {
    expect(broken(body)).toEqual(['symbols']);
    expect(broken(body, ACCOUNT)).toEqual(['symbols']);
  });

  it.each([
    'symbol=BTCUSDT',
    'symbols=BTCUSDT,BTCUSD_PERP',
    json('symbols', ['BTCUSDT']),
    json('orderArgs', [{ symbol: 'BTCUSDT', quantity: 1 }]),
    '{"symbol":"BTCUSDT","leverage":20}',
    'underlying=BTCUSDT',
  ])('A symbol that was granted passes: %s', (body) => {
    expect(broken(body)).toEqual([]);
  });

  it('A pair is granted by a contract on it, and not by a symbol that only begins like it', () => {
    expect(broken('pair=BTCUSD')).toEqual([]);
    expect(broken('pair=BTCUSDT')).toEqual([]);
    expect(broken('pair=BTCUSD', SYMBOL, granted('BTCUSDT'))).toEqual(['symbols']);
    expect(broken('pair=BTC')).toEqual(['symbols']);
    expect(broken('pair=ETHUSD')).toEqual(['symbols']);
  });

  it('An underlying is granted as a symbol only, and not by an option on it', () => {
    expect(broken('underlying=BTCUSDT', SYMBOL, granted('BTC-270625-60000-C'))).toEqual(['symbols']);
    expect(broken('underlyings=BTCUSDT,ETHUSDT', SYMBOL, granted('BTCUSDT', 'ETHUSDT'))).toEqual([]);
  });

  it('A call about one symbol has to name it, one about the account has not', () => {
    for (const body of ['', 'leverage=5', 'symbol=', 'symbol=&pair=', json('symbols', [])]) {
      expect(broken(body), body).toEqual(['symbols']);
      expect(broken(body, COUNTDOWN), body).toEqual(['symbols']);
      expect(broken(body, ACCOUNT), body).toEqual([]);
    }
  });

  it.each([
    'symbol=%ff',
    json('symbols', '["BTCUSDT"'),
    json('orderArgs', '[{"symbol":"BTCUSDT","symbol":"ETHUSDT"}]'),
    json('orderArgs', '[{"symbol":null}]'),
  ])('What names symbols and cannot be read in one way is refused: %s', (body) => {
    expect(broken(body)).toEqual(['unreadable']);
  });

  it('An order is held to every name beside its own symbol, and a cancel to none', () => {
    expect(broken('symbol=BTCUSDT&Symbol=ETHUSDT', PLACE)).toEqual(['symbols']);
    expect(broken('symbol=BTCUSDT', PLACE)).toEqual([]);
    // Lists of orders are judged as orders.
    expect(broken(json('batchOrders', [{ symbol: 'ETHUSDT' }]), PLACE)).toEqual([]);
    expect(broken('symbol=ETHUSDT', CANCEL)).toEqual([]);
  });

  it('The rule holds for clients with symbols, and for what changes something', () => {
    const free = clientWith(undefined);
    expect([SYMBOL, ACCOUNT, PLACE, COUNTDOWN].map((call) => isHeldToSymbols(bot, call))).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(isHeldToSymbols(bot, CANCEL)).toBe(false);
    expect(isHeldToSymbols(bot, { effect: 'none', touches: 'nothing' })).toBe(false);
    expect(isHeldToSymbols(bot, { effect: 'none' })).toBe(false);
    for (const call of [SYMBOL, ACCOUNT, PLACE, COUNTDOWN]) expect(isHeldToSymbols(free, call)).toBe(false);
    expect(broken('symbol=ETHUSDT', SYMBOL, free)).toEqual([]);
  });

  it('Whatever stands beside it, a foreign symbol never passes', () => {
    const beside = fc.array(
      fc.constantFrom('leverage=5', 'pair=BTCUSD', 'underlying=BTCUSDT', 'a=b', json('list', [1])),
    );
    const name = fc.constantFrom('symbol', 'SYMBOL', 'fromSymbol', 'symbols', 'pair2symbol');
    const wrapped = fc.constantFrom('ETHUSDT', 'BTCUSDT,ETHUSDT', '["ETHUSDT"]', '[["ETHUSDT"]]');
    fc.assert(
      fc.property(beside, beside, name, wrapped, (left, right, key, value) => {
        const names = new Set<string>();
        const parts = [...left, json(key, value), ...right].filter((part) => {
          const first = part.split('=')[0] ?? '';
          return !names.has(first) && names.add(first);
        });
        expect(broken(parts.join('&'))).toEqual(['symbols']);
      }),
      runs(500),
    );
  });
});
