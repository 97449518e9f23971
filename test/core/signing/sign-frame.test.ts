import { createHmac, createPrivateKey, createPublicKey, createSecretKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { framePayload, verifyFrameSignature } from '../../../src/core/access/frame-signature.ts';
import type { JsonMember } from '../../../src/core/json.ts';
import { Credential } from '../../../src/core/signing/credential.ts';
import { signFrame } from '../../../src/core/signing/sign-frame.ts';

interface Vector {
  readonly id: string;
  readonly kind: string;
  readonly apiKey?: string;
  readonly secretKey?: string;
  readonly privateKeyPem?: string;
  readonly publicKeyPem?: string;
  readonly payload: string;
  readonly expected: string;
}

const all = JSON.parse(
  readFileSync(new URL('../../support/fixtures/signature-vectors.json', import.meta.url), 'utf8'),
) as Vector[];
const vectors = all.filter(({ id }) => /-ws-/.test(id));

function membersOf(payload: string): JsonMember[] {
  return payload.split('&').map((pair) => {
    const equals = pair.indexOf('=');
    return { name: pair.slice(0, equals), value: pair.slice(equals + 1), kind: 'string' };
  });
}

function credentialOf(vector: Vector, apiKey: string): Credential {
  if (vector.secretKey !== undefined)
    return new Credential(apiKey, 'HMAC', createSecretKey(Buffer.from(vector.secretKey)));
  const key = createPrivateKey(vector.privateKeyPem!);
  return new Credential(apiKey, key.asymmetricKeyType === 'rsa' ? 'RSA' : 'ED25519', key);
}

describe('the official WebSocket vectors', () => {
  it('The official WebSocket vectors are all here: ASCII and not, HMAC, Ed25519 and RSA, and the logon', () => {
    expect(vectors.map(({ id }) => id).toSorted()).toEqual([
      'ed25519-ws-ascii-SELF',
      'ed25519-ws-logon-SELF',
      'ed25519-ws-unicode-SELF',
      'hmac-ws-ascii',
      'hmac-ws-newOrderRespType',
      'hmac-ws-unicode',
      'rsa-ws-unicode-SELF',
    ]);
  });

  it.each(vectors)('The vector $id comes out to the letter in any order of its parameters', (vector) => {
    const members = membersOf(vector.payload).toReversed();
    expect(framePayload(members)).toBe(vector.payload);
    const apiKey = members.find(({ name }) => name === 'apiKey')!.value;
    expect(credentialOf(vector, apiKey).sign(framePayload(members))).toBe(vector.expected);
  });

  it.each(vectors.filter(({ payload }) => payload.includes('recvWindow')))(
    'The WebSocket vector $id makes the whole frame',
    (vector) => {
      const members = membersOf(vector.payload);
      const valueFor = (wanted: string) => members.find(({ name }) => name === wanted)!.value;
      const own = members.filter(({ name }) => !['apiKey', 'recvWindow', 'timestamp'].includes(name));
      const text = signFrame('"id-1"', 'order.place', own, credentialOf(vector, valueFor('apiKey')), {
        timestampMs: Number(valueFor('timestamp')),
        recvWindow: valueFor('recvWindow'),
      });
      const frame = JSON.parse(text);
      expect(frame).toMatchObject({
        id: 'id-1',
        method: 'order.place',
        params: { signature: vector.expected },
      });
      expect(frame.params.timestamp).toBe(Number(valueFor('timestamp')));
      expect(Object.keys(frame.params)).toEqual([...members.map(({ name }) => name), 'signature']);
    },
  );
});

describe('a signed frame', () => {
  const credential = new Credential('k', 'HMAC', createSecretKey(Buffer.from('s')));

  it('A signed frame keeps every lexeme and escapes nothing in what it signs', () => {
    const params: JsonMember[] = [
      { name: 'b', value: '0.10000000', kind: 'number' },
      { name: 'a', value: 'a b&c=d "é"', kind: 'string' },
      { name: 'c', value: '[1e3, {"x":1.00}]', kind: 'array' },
    ];
    const stamp = { timestampMs: 1, recvWindow: '5000.5' };
    const text = signFrame('1', 'm', params, credential, stamp);
    const payload = 'a=a b&c=d "é"&apiKey=k&b=0.10000000&c=[1e3, {"x":1.00}]&recvWindow=5000.5&timestamp=1';
    const signature = createHmac('sha256', 's').update(payload).digest('hex');
    expect(text).toBe(
      '{"id":1,"method":"m","params":{"a":"a b&c=d \\"é\\"","apiKey":"k","b":0.10000000,"c":[1e3, {"x":1.00}],' +
        `"recvWindow":5000.5,"timestamp":1,"signature":"${signature}"}}`,
    );
  });

  it('A signed frame never contains a number that JSON does not know', () => {
    const text = signFrame('1', 'm', [], credential, { timestampMs: 1, recvWindow: '00500' });
    expect(JSON.parse(text).params.recvWindow).toBe(500);
  });

  it('A signed frame of an asymmetric account verifies with the public key', () => {
    const vector = vectors.find(({ id }) => id === 'ed25519-ws-logon-SELF')!;
    const signature = Buffer.from(vector.expected, 'base64');
    expect(verify(null, Buffer.from(vector.payload), createPublicKey(vector.publicKeyPem!), signature)).toBe(
      true,
    );
  });
});

describe('the signature of a client', () => {
  const secret = createSecretKey(Buffer.from('issued'));
  const params: JsonMember[] = [
    { name: 'timestamp', value: '1', kind: 'number' },
    { name: 'newClientOrderId', value: 'ä b', kind: 'string' },
  ];
  const hmac = (payload: string) => createHmac('sha256', 'issued').update(payload).digest('hex');

  it('A client’s signature counts over raw values, percent-encoded ones, and form-encoded ones', () => {
    for (const payload of [
      'newClientOrderId=ä b&timestamp=1',
      'newClientOrderId=%C3%A4%20b&timestamp=1',
      'newClientOrderId=%C3%A4+b&timestamp=1',
    ])
      expect(verifyFrameSignature(secret, hmac(payload), params)).toBe(true);
  });

  it('A client’s signature does not count when anything differs, or when it is no signature at all', () => {
    const good = hmac('newClientOrderId=ä b&timestamp=1');
    expect(verifyFrameSignature(secret, good, [...params, { name: 'x', value: '1', kind: 'number' }])).toBe(
      false,
    );
    expect(verifyFrameSignature(createSecretKey(Buffer.from('other')), good, params)).toBe(false);
    for (const wrong of ['', 'zz', good.slice(2), `${good}00`])
      expect(verifyFrameSignature(secret, wrong, params)).toBe(false);
    const itself: JsonMember = { name: 'signature', value: good, kind: 'string' };
    expect(verifyFrameSignature(secret, good.toUpperCase(), [...params, itself])).toBe(true);
  });
});
