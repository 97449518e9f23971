import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Accounts } from '../../../src/simulator/accounts/accounts.ts';
import { signedRoute } from '../../../src/simulator/http/route.ts';
import { authenticateFrame } from '../../../src/simulator/sockets/api/authentication.ts';
import { readRequestFrame } from '../../../src/simulator/sockets/api/frame.ts';
import {
  type FrameValue,
  Lexeme,
  objectText,
  signedParams,
} from '../../support/clients/simulator-ws-caller.ts';
import { SIGNATURE_VECTORS } from '../../support/fixtures/signature-vectors.ts';
import { runs } from '../../support/properties.ts';
import {
  ALICES,
  BOBS,
  CAROLS,
  DAVES,
  LIMIT_ORDER,
  stageSockets,
} from '../../support/servers/simulator-stage.ts';

const ROUTE = signedRoute('POST /api/v3/order', {}, () => ({}));
const INTEGERS = new Set(['timestamp', 'recvWindow']);
const stage = stageSockets();

describe('the official WebSocket vectors', () => {
  for (const vector of SIGNATURE_VECTORS.filter(({ id }) => id.includes('-ws-'))) {
    it(`The vector ${vector.id} is accepted in any order of its parameters, and refused with another digit`, () => {
      const pairs = vector.payload.split('&').map((pair) => pair.split('=') as [string, string]);
      const members = new Map(pairs);
      const accounts = new Accounts([
        {
          apiKey: members.get('apiKey')!,
          ...(vector.key === 'hmac' ? { hmacSecret: vector.material } : { publicKeyPem: vector.material }),
        },
      ]);
      const nowMs = Number(members.get('timestamp'));
      const check = (price: string | undefined) => {
        const params: Record<string, FrameValue> = { signature: vector.signature };
        for (const [name, value] of pairs.toReversed())
          params[name] = INTEGERS.has(name) ? new Lexeme(value) : value;
        if (price !== undefined) params.price = price;
        const frame = readRequestFrame(`{"id":1,"method":"order.place","params":${objectText(params)}}`);
        return authenticateFrame(frame.parameters, ROUTE, accounts, undefined, nowMs)?.apiKey;
      };
      expect(check(undefined)).toBe(members.get('apiKey'));
      expect(() => check('0.99')).toThrow('Signature for this request is not valid.');
    });
  }
});

describe('the signature of a frame', () => {
  it.each([
    ['HMAC', ALICES],
    ['Ed25519', CAROLS],
    ['RSA', DAVES],
  ])('The signature of a frame is verified for an %s key', async (_type, key) => {
    const line = await stage.line('/ws-api/v3', key);
    expect((await line.signed('account.status')).status).toBe(200);
    const wrong = await line.signed('account.status', {}, { recvWindow: 4_000 });
    expect([wrong.status, wrong.error]).toEqual([
      400,
      { code: -1022, msg: 'Signature for this request is not valid.' },
    ]);
    const [right, refused] = stage.simulator.frames;
    expect([right?.verified, right?.account]).toEqual([true, key.apiKey]);
    expect([refused?.verified, refused?.code, refused?.account]).toEqual([false, -1022, undefined]);
  });

  it('The signature of a frame covers a number by its digits, not by its value', async () => {
    const line = await stage.line('/ws-api/v3', ALICES);
    const order = { ...LIMIT_ORDER, quantity: new Lexeme('0.01000000'), price: new Lexeme('5.0e4') };
    const exponent = await line.signed('order.test', order);
    expect(exponent.error?.code).toBe(-1100);
    const sent = { ...LIMIT_ORDER, quantity: new Lexeme('0.01000000') };
    expect((await line.signed('order.test', sent)).status).toBe(200);
    const shortened = await line.signed('order.test', sent, { quantity: new Lexeme('0.01') });
    expect(shortened.error?.code).toBe(-1022);
    expect(stage.simulator.frames.map(({ verified }) => verified)).toEqual([true, true, false]);
  });

  it('The signature of a frame covers raw UTF-8, never percent escapes', async () => {
    const line = await stage.line('/ws-api/v3', ALICES);
    const order = { ...LIMIT_ORDER, symbol: '币安人生USDT', quantity: '100', price: '0.1' };
    expect((await line.signed('order.test', order)).status).toBe(200);
    const escaped = { ...ALICES, signer: (text: string) => ALICES.signer(encodeURI(text)) };
    const other = await stage.line('/ws-api/v3', escaped);
    expect((await other.signed('order.test', order)).error?.code).toBe(-1022);
  });

  it('The signature of a frame is base64 as it is, without percent escapes', async () => {
    const encoding = { ...CAROLS, signer: (text: string) => encodeURIComponent(CAROLS.signer(text)) };
    const line = await stage.line('/ws-api/v3', encoding);
    expect((await line.signed('account.status')).error?.code).toBe(-1022);
  });

  it("The signature of a frame is not taken from another account's secret", async () => {
    const line = await stage.line('/ws-api/v3', { apiKey: ALICES.apiKey, signer: BOBS.signer });
    expect((await line.signed('account.status')).error?.code).toBe(-1022);
  });

  it('The signature of a frame holds for any text, number and nesting of parameters', () => {
    const accounts = stage.simulator.exchange.accounts;
    const value = fc.oneof(
      fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed()),
      fc.bigInt().map((number) => new Lexeme(String(number))),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => new Lexeme(number.toExponential())),
      fc
        .json({ maxDepth: 2 })
        .map((text) => new Lexeme(JSON.stringify([JSON.parse(text), '",}{'], undefined, 1))),
      fc.boolean(),
    );
    const params = fc.dictionary(fc.stringMatching(/^p[A-Za-z0-9]{0,8}$/), value);
    fc.assert(
      fc.property(params, fc.nat(), (sent, position) => {
        const text = signedParams(sent, ALICES, 1_700_000_000_000);
        const read = (params: string) =>
          authenticateFrame(
            readRequestFrame(` { "params" : ${params} , "id":null,"method":"x" } `).parameters,
            ROUTE,
            accounts,
            undefined,
            1_700_000_000_000,
          );
        expect(read(text)?.apiKey).toBe(ALICES.apiKey);
        const names = Object.keys(sent);
        if (names.length === 0) return;
        const changed = { [names[position % names.length]!]: 'changed afterwards' };
        expect(() => read(signedParams(sent, ALICES, 1_700_000_000_000, changed))).toThrow();
      }),
      runs(500),
    );
  });
});
