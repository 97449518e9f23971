import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCall } from '../../../src/core/call/call.ts';
import { auditLine } from '../../../src/core/records/record.ts';
import {
  isSecretName,
  printableParams,
  printablePath,
  printableText,
} from '../../../src/core/records/redact.ts';
import { SecretMask } from '../../../src/core/records/secret-mask.ts';
import { portion, runs } from '../../support/properties.ts';

const KEY = 'vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A';
const LISTEN_KEY = 'pqia91ma19a5s61cv6a81va65sdf19v8a65a1a5s61cv6a81va65sdf19v8a65a1';
const ISSUED = 'grid-bot-Zk3vT9qLw2Xy7Rb5';

function params(query: string, body = '', secretMask?: SecretMask) {
  return { ...printableParams(readCall('POST', `/api/v3/order?${query}`, Buffer.from(body)), secretMask) };
}

describe('the printable twin of the parameters', () => {
  it('The printable parameters show symbols, amounts and client order ids decoded, query before body', () => {
    expect(params('symbol=BTCUSDT&newClientOrderId=a%3Ab%2Fc', 'quantity=0.010&note=%E2%82%BF+1')).toEqual({
      symbol: 'BTCUSDT',
      newClientOrderId: 'a:b/c',
      quantity: '0.010',
      note: '₿ 1',
    });
  });

  it('The printable parameters gather a repeated name into a list and keep what is no UTF-8 encoded', () => {
    expect(params('asset=BTC&asset=ETH&asset=BNB&x=%FF%41')).toEqual({
      asset: ['BTC', 'ETH', 'BNB'],
      x: '%FF%41',
    });
  });

  it.each([
    'listenKey',
    'listenToken',
    'token',
    'apiKey',
    'api_key',
    'publicKey',
    'secretKey',
    'password',
    'private_key',
    'x-api-key',
    'walletPassphrase',
    'SIGNATURE2',
  ])('The printable parameters mask the value of %s', (name) => {
    expect(isSecretName(name)).toBe(true);
    expect(params(`${name}=abc&side=BUY`)).toEqual({ [name]: '***', side: 'BUY' });
  });

  it.each([
    'symbol',
    'newClientOrderId',
    'quantity',
    'asset',
    'address',
    'network',
    'timeInForce',
    'accountType',
  ])('The printable parameters show the value of %s', (name) => {
    expect(params(`${name}=abc`)).toEqual({ [name]: 'abc' });
  });

  it('The printable parameters keep names like __proto__ as plain members', () => {
    const twin = printableParams(
      readCall('POST', '/api/v3/order', Buffer.from('{"__proto__":"x","toString":"y"}')),
    );
    expect(Object.keys(twin)).toEqual(['__proto__', 'toString']);
    expect(Object.getPrototypeOf(twin)).toBe(Object.prototype);
    expect(JSON.stringify(twin)).toBe('{"__proto__":"x","toString":"y"}');
  });

  it('The printable parameters mask secret members within a JSON list and leave the rest, numbers by their lexeme', () => {
    const batch = '[{"symbol":"BTCUSDT","price":1.10,"orderId":12345678901234567890,"apiKey":"abc"}]';
    expect(params('', JSON.stringify({ batchOrders: batch })).batchOrders).toBe(
      '[{"symbol":"BTCUSDT","price":1.10,"orderId":12345678901234567890,"apiKey":"***"}]',
    );
    expect(params(`batchOrders=${encodeURIComponent('[{"ap\\u0069Key":"abc"}]')}`).batchOrders).toBe(
      '[{"apiKey":"***"}]',
    );
    expect(params(`batchOrders=${encodeURIComponent('[{"price":1.10}]')}`).batchOrders).toBe(
      '[{"price":1.10}]',
    );
    expect(params(`batchOrders=${encodeURIComponent('[{"apiKey":"abc"')}`).batchOrders).toBe('***');
  });

  it('The printable parameters mask a name that looks like a key with its value, and leave the list readable', () => {
    const long = 'j'.repeat(61);
    const batch = `[{"symbol":"BTCUSDT","${long}":"x","price":1.10},{"symbol":"ETHUSDT"}]`;
    expect(params(`batchOrders=${encodeURIComponent(batch)}`).batchOrders).toBe(
      '[{"symbol":"BTCUSDT","***2":"***","price":1.10},{"symbol":"ETHUSDT"}]',
    );
    const encoded = '[{"symbol":"BTCUSDT","note":"signature%3Dc0ffee","id":"%2541"}]';
    expect(params(`batchOrders=${encodeURIComponent(encoded)}`).batchOrders).toBe(
      '[{"symbol":"BTCUSDT","note":"signature%3D***","id":"%2541"}]',
    );
    const digits = '1'.repeat(64);
    expect(params(`batchOrders=${encodeURIComponent(`[{"a":1.50,"b":${digits}}]`)}`).batchOrders).toBe(
      '[{"a":1.50,"b":"***"}]',
    );
  });

  it('The printable parameters mask what looks like a key of Binance in a place where it does not belong', () => {
    expect(params(`newClientOrderId=${LISTEN_KEY}`)).toEqual({ newClientOrderId: '***' });
    expect(params(`streams=${LISTEN_KEY}/btcusdt@trade`).streams).toBe('***@trade');
    expect(params('note=a%26signature%3Dc0ffee%26b').note).toBe('a&signature=***&b');
    expect(params('note=%FFsignature%253Dc0ffee').note).not.toContain('c0ffee');
  });

  it('The printable parameters mask a known secret before they cut a long value, so that no half of it is left', () => {
    const secretMask = new SecretMask([ISSUED]);
    const { note } = params(
      `note=${'a b'.repeat(168)}${ISSUED}${' tail'.repeat(99)}`.replaceAll(' ', '+'),
      '',
      secretMask,
    );
    expect(note).not.toContain(ISSUED.slice(0, 8));
    expect(note).toMatch(/… \(\d+ more characters\)$/);
    expect(note?.length).toBeLessThan(560);
  });

  it('The printable parameters stay bounded whatever is sent', () => {
    const many = Array.from({ length: 5000 }, (_, index) => `p${index}=${'v '.repeat(50)}`).join('&');
    const twin = params(many.replaceAll(' ', '+'));
    expect(JSON.stringify(twin).length).toBeLessThan(20_000);
    expect(twin['…']).toMatch(/^\d+ more parameters$/);
  });
});

describe('the printable path', () => {
  it('The printable path loses its query and every segment that looks like a listen key', () => {
    expect(printablePath(`/private/ws/${LISTEN_KEY}?listenKey=${LISTEN_KEY}`)).toBe('/private/ws/***');
    expect(printablePath('/sapi/v1/asset/dust-convert/query-convertible-assets')).toBe(
      '/sapi/v1/asset/dust-convert/query-convertible-assets',
    );
  });

  it('The printable path hides an encoded listen key', () => {
    expect(printablePath(`/ws/%70${LISTEN_KEY.slice(1, 39)}%61${LISTEN_KEY.slice(39)}`)).not.toContain(
      '1a5s61cv',
    );
  });
});

describe('a line of the log', () => {
  const secrets = [KEY, ISSUED, 'short', 'a "quoted" pass\\phrase ü'];
  const secretMask = new SecretMask(secrets);
  const foreign = fc
    .array(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.constantFrom(...secrets.filter((text) => text.length > 7), '\n', '\u2028', '\u001b[2J', '\ud800'),
      ),
      { maxLength: 6 },
    )
    .map((parts) => parts.join(''));
  const name = fc.oneof(fc.constantFrom('__proto__', 'constructor', 'toJSON', 'symbol', KEY), foreign);
  const escapes = fc.constantFrom(
    (text: string) => encodeURIComponent(text.toWellFormed()),
    (text: string) => [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
    (text: string) => text,
  );

  function expectCleanLine(line: string): void {
    expect(line).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\u202e]/u);
    expect(line.isWellFormed()).toBe(true);
    const record = JSON.parse(line) as Record<string, unknown>;
    expect(Object.keys(record).slice(0, 3)).toEqual(['time', 'level', 'event']);
    for (const secret of secrets.filter((text) => text.length > 7)) {
      expect(line).not.toContain(secret);
      expect(JSON.stringify(Object.values(record))).not.toContain(JSON.stringify(secret).slice(1, -1));
    }
  }

  it('A record is one JSON object without a secret, whatever a client puts into path, parameters, ids and messages', () => {
    fc.assert(
      fc.property(foreign, foreign, foreign, foreign, (path, msg, clientOrderId, value) => {
        expectCleanLine(
          auditLine(
            {
              event: 'call.refused',
              path,
              msg,
              clientOrderId: [clientOrderId],
              detail: { value },
              method: value,
              uuid: value,
            },
            1,
            0,
            secretMask,
          ),
        );
      }),
      runs(1_000),
    );
  });

  it('A record is one JSON object without a secret, whatever bytes come in query and body', () => {
    let read = 0;
    fc.assert(
      fc.property(
        fc.array(fc.tuple(name, foreign, escapes), { maxLength: 5 }),
        fc.boolean(),
        (pairs, asJson) => {
          const query = pairs
            .map(([key, value, encode]) => `${key.replace(/[^\w.~-]/g, '')}=${encode(value)}`)
            .join('&');
          const json = JSON.stringify(
            Object.fromEntries(pairs.map(([key, value]) => [key.replace(/[^\w.~-]/g, '') || 'a', value])),
          );
          const body = Buffer.from(asJson ? json : query, asJson ? 'utf8' : 'latin1');
          let call: ReturnType<typeof readCall>;
          try {
            call = readCall('POST', '/api/v3/order', body);
          } catch {
            return;
          }
          read++;
          expectCleanLine(
            auditLine({ event: 'call.signed', params: printableParams(call, secretMask) }, 1, 0, secretMask),
          );
        },
      ),
      runs(2_000),
    );
    expect(read).toBeGreaterThan(portion(2_000) / 5);
  });

  it('A record shows an eight-bit or text-direction trick in a message by its escape', () => {
    expect(auditLine({ event: 'call.refused', msg: 'a\u202eb\u009b2Jc' }, 1, 0)).toContain(
      'a\\u202eb\\u009b2Jc',
    );
    expect(printableText('plain')).toBe('plain');
  });
});
