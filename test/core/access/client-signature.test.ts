import { createSecretKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSignedWith, readSignature } from '../../../src/core/access/client-signature.ts';
import { verifyClientSignature } from '../../../src/core/access/form-signature.ts';
import { verifyFrameSignature } from '../../../src/core/access/frame-signature.ts';
import { runs } from '../../support/properties.ts';

const PAIRS = {
  Ed25519: generateKeyPairSync('ed25519'),
  RSA: generateKeyPairSync('rsa', { modulusLength: 2048 }),
} as const;
const KINDS = Object.keys(PAIRS) as (keyof typeof PAIRS)[];
const TEXT = 'symbol=BTCUSDT&timestamp=1';

function signed(kind: keyof typeof PAIRS, text = TEXT, { privateKey } = PAIRS[kind]): string {
  return sign(kind === 'RSA' ? 'sha256' : null, Buffer.from(text), privateKey).toString('base64');
}

const isFormOf = (key: KeyObject, signature: string, query: string) => {
  const read = readSignature(signature);
  return read !== undefined && verifyClientSignature(key, read, query, '');
};

describe.each(KINDS)('a signature by the app’s own %s key', (kind) => {
  const { publicKey } = PAIRS[kind];

  it('A signature by the app’s own key is accepted, raw and percent-encoded', () => {
    const raw = signed(kind);
    for (const text of [raw, encodeURIComponent(raw)])
      expect(isFormOf(publicKey, text, `${TEXT}&signature=${text}`)).toBe(true);
  });

  it('A signature by the app’s own key covers the readings that libraries sign', () => {
    const query = 'note=a+b%21&timestamp=1';
    for (const text of [query, 'note=a b!&timestamp=1', 'note=a%20b!&timestamp=1'])
      expect(isFormOf(publicKey, signed(kind, text), query)).toBe(true);
  });

  it('A signature of a frame covers its sorted parameters', () => {
    const params = ['timestamp', 'apiKey', 'signature'].map((name) => ({
      name,
      value: name === 'timestamp' ? '1' : 'k',
      kind: 'string' as const,
    }));
    expect(verifyFrameSignature(publicKey, signed(kind, 'apiKey=k&timestamp=1'), params)).toBe(true);
    expect(verifyFrameSignature(publicKey, signed(kind, 'timestamp=1&apiKey=k'), params)).toBe(false);
  });

  it.each<[what: string, signature: string, text?: string]>([
    ['by another key of its kind', signed(kind, TEXT, otherPair(kind))],
    ['by a key of the other kind', signed(kind === 'RSA' ? 'Ed25519' : 'RSA')],
    ['over other bytes', signed(kind, `${TEXT}0`)],
    ['cut short', Buffer.from(signed(kind), 'base64').subarray(1).toString('base64')],
    ['of zeros', Buffer.alloc(kind === 'RSA' ? 256 : 64).toString('base64')],
    ['longer than any', Buffer.alloc(2_000, 7).toString('base64')],
    ['that is hex of HMAC', '0'.repeat(64)],
    ['that is empty', ''],
    ['with a broken escape', `%${signed(kind)}`],
  ])('A signature %s is refused', (_what, signature) => {
    expect(isFormOf(publicKey, signature, TEXT)).toBe(false);
  });

  it('A signature with RSA-PSS padding, or another digest, is refused', () => {
    const pss = sign('sha256', Buffer.from(TEXT), { key: PAIRS.RSA.privateKey, padding: 6 });
    const sha512 = sign('sha512', Buffer.from(TEXT), PAIRS.RSA.privateKey);
    for (const bytes of [pss, sha512])
      expect(isFormOf(publicKey, bytes.toString('base64'), TEXT)).toBe(false);
  });
});

describe('the one spelling of a signature', () => {
  it('Every spelling of a signature that is read at all is read as one', () => {
    const bytes = fc.constantFrom(...KINDS).chain((kind) => {
      const length = kind === 'RSA' ? 256 : 64;
      return fc.uint8Array({ minLength: length, maxLength: length });
    });
    const escaped = (text: string, chosen: readonly boolean[]) =>
      [...text]
        .map((char, index) => {
          if (chosen[index % chosen.length] !== true) return char;
          const hex = char.charCodeAt(0).toString(16);
          return `%${index % 2 === 0 ? hex : hex.toUpperCase()}`;
        })
        .join('');
    fc.assert(
      fc.property(bytes, fc.array(fc.boolean(), { minLength: 1, maxLength: 9 }), (given, chosen) => {
        const text = Buffer.from(given).toString('base64');
        expect(readSignature(escaped(text, chosen))).toBe(text);
      }),
      runs(200),
    );
  });

  it.each([
    ['padding that is left out', (text: string) => text.replaceAll('=', '')],
    ['the alphabet for URLs', (text: string) => `-_${text.slice(2)}`],
    ['bits that count for nothing', (text: string) => text.replace(/.==$/, 'B==')],
    ['a line break', (text: string) => `${text.slice(0, 40)}%0A${text.slice(40)}`],
    ['a space in place of a plus', (text: string) => ` ${text.slice(1)}`],
  ])('A base64 text with %s is no signature', (_what, change) => {
    const changed = change(Buffer.alloc(64, 0xfb).toString('base64'));
    expect(readSignature(changed)).toBeUndefined();
  });

  it('A signature of HMAC is read in small letters', () => {
    expect(readSignature('AB'.repeat(32))).toBe('ab'.repeat(32));
  });

  it('A key of one kind verifies nothing of the other', () => {
    const secret = createSecretKey(Buffer.from('issued-secret'));
    expect(isSignedWith(secret, signed('Ed25519'), [TEXT])).toBe(false);
    expect(isSignedWith(PAIRS.Ed25519.publicKey, 'ab'.repeat(32), [TEXT])).toBe(false);
  });
});

function otherPair(kind: keyof typeof PAIRS) {
  return kind === 'RSA'
    ? generateKeyPairSync('rsa', { modulusLength: 2048 })
    : generateKeyPairSync('ed25519');
}
