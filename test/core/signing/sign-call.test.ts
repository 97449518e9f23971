import { createPrivateKey, createPublicKey, createSecretKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Credential } from '../../../src/core/signing/credential.ts';
import { plainCall, recvWindowFor, signCall } from '../../../src/core/signing/sign-call.ts';
import { callOf } from '../../support/fixtures/call.ts';
import { runs } from '../../support/properties.ts';

interface Vector {
  readonly id: string;
  readonly kind: string;
  readonly secretKey?: string;
  readonly privateKeyPem?: string;
  readonly publicKeyPem?: string;
  readonly payload: string;
  readonly expected: string;
}

const vectors = JSON.parse(
  readFileSync(new URL('../../support/fixtures/signature-vectors.json', import.meta.url), 'utf8'),
) as Vector[];

function credentialOf(vector: Vector): Credential {
  if (vector.secretKey !== undefined)
    return new Credential('key', 'HMAC', createSecretKey(Buffer.from(vector.secretKey)));
  const key = createPrivateKey(vector.privateKeyPem!);
  return new Credential('key', vector.kind.startsWith('Ed25519') ? 'ED25519' : 'RSA', key);
}

const docs = { timestampMs: 1499827319559, recvWindow: '5000' };
const hmac = credentialOf(vectors[0]!);

describe('the official signature vectors', () => {
  it('The official signature vectors are all here: HMAC, Ed25519 and RSA', () => {
    expect(vectors).toHaveLength(19);
    expect(new Set(vectors.map(({ kind }) => kind.split('-')[0]!.split(' ')[0]))).toEqual(
      new Set(['HMAC', 'Ed25519', 'RSA']),
    );
  });

  it.each(vectors)('The official vector $id comes out to the letter', (vector) => {
    expect(credentialOf(vector).sign(vector.payload)).toBe(vector.expected);
  });
});

describe('a signed call', () => {
  it('A signed call carries recvWindow, timestamp and, last, the signature in its query (rest-api.md, ascii)', () => {
    const call = callOf(
      'POST',
      '/api/v3/order?symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1',
    );
    expect(signCall(call, hmac, docs)).toEqual({
      target: `/api/v3/order?${vectors[0]!.payload}&signature=${vectors[0]!.expected}`,
      body: undefined,
    });
  });

  it('A signed call signs the percent-encoded bytes of a non-ASCII symbol, raw or encoded by the client', () => {
    const rest = '&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1';
    const raw = callOf('POST', '/api/v3/order', `symbol=１２３４５６${rest}`);
    const encoded = callOf('POST', '/api/v3/order', `symbol=${encodeURIComponent('１２３４５６')}${rest}`);
    const expected = `${vectors[1]!.payload}&signature=${vectors[1]!.expected}`;
    expect(signCall(raw, hmac, docs).body).toBe(expected);
    expect(signCall(encoded, hmac, docs).body).toBe(expected);
  });

  it('A signed call glues query and body without a separator (mixed vector)', () => {
    const call = callOf(
      'POST',
      '/api/v3/order?symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC',
      'quantity=1&price=0.1',
    );
    expect(signCall(call, hmac, docs)).toEqual({
      target: '/api/v3/order?symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC',
      body: `quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559&signature=${vectors[2]!.expected}`,
    });
  });

  it('A signed call escapes the base64 of Ed25519 and RSA', () => {
    const ed25519 = credentialOf(vectors.find(({ id }) => id === 'ed25519-rest-ascii-SELF')!);
    const { target } = signCall(callOf('GET', '/api/v3/account'), ed25519, docs);
    expect(target).toMatch(/&signature=[A-Za-z0-9%]+$/);
    const signature = decodeURIComponent(target.split('&signature=')[1]!);
    const payload = target.split('?')[1]!.split('&signature=')[0]!;
    const publicKey = createPublicKey(vectors.find(({ id }) => id === 'ed25519-fix-logon')!.publicKeyPem!);
    expect(verify(null, Buffer.from(payload), publicKey, Buffer.from(signature, 'base64'))).toBe(true);
  });

  it('A signed call has no parameter but the stamp when the client sent none', () => {
    expect(signCall(callOf('GET', '/api/v3/account'), hmac, docs).target).toMatch(
      /^\/api\/v3\/account\?recvWindow=5000&timestamp=1499827319559&signature=[0-9a-f]{64}$/,
    );
  });

  it('A signed call drops the stamp of the client wherever it stands', () => {
    const call = callOf(
      'POST',
      '/api/v3/order?signature=00ff&timestamp=1&symbol=BTCUSDT',
      'recvWindow=1&side=BUY&timestamp=2&signature=aa',
    );
    const { target, body } = signCall(call, hmac, docs);
    expect(target).toBe('/api/v3/order?symbol=BTCUSDT');
    expect(body).toMatch(/^side=BUY&recvWindow=5000&timestamp=1499827319559&signature=[0-9a-f]{64}$/);
  });

  it('A signed call sends exactly the payload that was signed, for any bytes that a client sends', () => {
    const value = fc
      .uint8Array({ maxLength: 20 })
      .map((bytes) => Buffer.from(bytes).toString('latin1').replaceAll(/[&%]/g, ''));
    fc.assert(
      fc.property(fc.array(value, { maxLength: 6 }), fc.boolean(), (values, inBody) => {
        const form = values.map((text, index) => `p${index}=${text}`).join('&');
        const latin1 = Buffer.from(form, 'latin1');
        const target = inBody ? '/api/v3/order' : `/api/v3/order?${form.replaceAll(/[?#]/g, '')}`;
        const call = callOf('POST', target, '');
        const signed = signCall(inBody ? { ...call, body: callOfBytes(latin1).body } : call, hmac, docs);
        const sent = (signed.target.split('?')[1] ?? '') + (signed.body ?? '');
        expect(sent).toMatch(/^[\x21-\x7e]*$/);
        const cut = sent.lastIndexOf('&signature=');
        expect(hmac.sign(sent.slice(0, cut))).toBe(sent.slice(cut + '&signature='.length));
      }),
      runs(2_000),
    );
  });
});

function callOfBytes(bytes: Buffer) {
  return callOf('POST', '/api/v3/order', bytes.toString('utf8'));
}

describe('a call that is not signed', () => {
  it('A call that is not signed keeps its parameters and gets nothing else', () => {
    expect(plainCall(callOf('GET', '/api/v3/depth?symbol=BTCUSDT&limit=5'))).toEqual({
      target: '/api/v3/depth?symbol=BTCUSDT&limit=5',
      body: undefined,
    });
    expect(plainCall(callOf('PUT', '/fapi/v1/listenKey', 'listenKey=abc'))).toEqual({
      target: '/fapi/v1/listenKey',
      body: 'listenKey=abc',
    });
  });
});

describe('recvWindow', () => {
  it.each([
    [undefined, '5000'],
    ['3000', '3000'],
    ['5000', '5000'],
    ['1234.567', '1234.567'],
    ['5000.001', '5000'],
    ['60000', '5000'],
    ['-1', '5000'],
    ['abc', '5000'],
    ['1e3', '5000'],
    ['', '5000'],
  ])('A recvWindow of %s is sent as %s', (wish, sent) => {
    expect(recvWindowFor(wish, 5000)).toBe(sent);
  });
});

describe('a credential', () => {
  it('A credential shows neither key nor secret when it is printed', async () => {
    const { inspect, format } = await import('node:util');
    const credential = new Credential('THE-API-KEY', 'HMAC', createSecretKey(Buffer.from('THE-SECRET')));
    const printed =
      inspect(credential, { depth: 9, showHidden: true }) +
      JSON.stringify(credential) +
      format('%o', credential);
    expect(printed).not.toMatch(/THE-API-KEY|THE-SECRET/);
  });
});
