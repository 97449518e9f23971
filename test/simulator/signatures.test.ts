import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hmacVerifier, publicKeyVerifier, type Verifier } from '../../src/simulator/accounts/signatures.ts';
import { asymmetricSigner, hmacSigner } from '../support/clients/signed-caller.ts';
import { SIGNATURE_VECTORS, type SignatureVector } from '../support/fixtures/signature-vectors.ts';
import { runs } from '../support/properties.ts';

function verifierOf({ key, material }: SignatureVector): Verifier {
  return key === 'hmac' ? hmacVerifier(material) : publicKeyVerifier(material);
}

/** The bytes of a text, one character each, which is how a verifier gets its payload. */
function bytesOf(text: string): string {
  return Buffer.from(text).toString('latin1');
}

describe('a verifier', () => {
  for (const vector of SIGNATURE_VECTORS) {
    it(`A verifier accepts the vector ${vector.id} and refuses it with one byte more`, () => {
      const verify = verifierOf(vector);
      const signature = encodeURIComponent(vector.signature);
      const payload = bytesOf(vector.payload);
      expect(() => verify(payload, signature)).not.toThrow();
      expect(() => verify(`${payload}0`, signature)).toThrow('Signature for this request is not valid.');
    });
  }

  it('A verifier takes HMAC hex in either case and nothing but 64 digits', () => {
    const verify = hmacVerifier('secret');
    const signature = hmacSigner('secret')('a=1');
    expect(() => verify('a=1', signature.toUpperCase())).not.toThrow();
    for (const wrong of [signature.slice(1), `${signature}0`, signature.replace(/.$/, 'g'), '']) {
      expect(() => verify('a=1', wrong)).toThrow("Illegal characters found in parameter 'signature'");
    }
  });

  it('A verifier wants base64 percent-encoded, padded and canonical', () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const verify = publicKeyVerifier(publicKey.export({ type: 'spki', format: 'pem' }).toString());
    let position = 0;
    let encoded = '';
    do encoded = asymmetricSigner(privateKey)(`a=${position++}`);
    while (!encoded.includes('%2B') || !encoded.includes('%2F'));
    const payload = `a=${position - 1}`;
    expect(() => verify(payload, encoded)).not.toThrow();
    const raw = decodeURIComponent(encoded);
    for (const wrong of [
      raw,
      encoded.replace('%2B', '+'),
      encoded.replace('%2F', '/'),
      encoded.replaceAll('%3D', ''),
      encoded.toLowerCase(),
    ]) {
      expect(() => verify(payload, wrong)).toThrow('Signature for this request is not valid.');
    }
  });

  it('A verifier refuses keys of any other kind', () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    expect(() => publicKeyVerifier(pem)).toThrow(TypeError);
  });

  it('A verifier accepts what was signed and no other payload, whatever the bytes', () => {
    const verify = hmacVerifier('secret');
    const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array).toString('latin1'));
    fc.assert(
      fc.property(bytes, bytes, (payload, other) => {
        const signature = hmacSigner('secret')(payload);
        verify(payload, signature);
        if (other !== payload) expect(() => verify(other, signature)).toThrow();
      }),
      runs(1_000),
    );
  });
});
