import { createHmac, createSecretKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { verifyClientSignature } from '../../../src/core/access/form-signature.ts';

const secret = createSecretKey(Buffer.from('issued-secret'));
const sign = (text: string) => createHmac('sha256', 'issued-secret').update(text).digest('hex');
const verify = (signature: string, query: string, body = '') =>
  verifyClientSignature(secret, signature, query, body);

describe('a client signature', () => {
  it('A client signature over the query is accepted, wherever the pair stands', () => {
    const signature = sign('symbol=BTCUSDT&timestamp=1');
    expect(verify(signature, `symbol=BTCUSDT&timestamp=1&signature=${signature}`)).toBe(true);
    expect(verify(signature, `signature=${signature}&symbol=BTCUSDT&timestamp=1`)).toBe(true);
    expect(verify(signature, `symbol=BTCUSDT&signature=${signature}&timestamp=1`)).toBe(true);
    expect(verify(signature, `&symbol=BTCUSDT&timestamp=1&signature=${signature}`)).toBe(true);
  });

  it('A client signature over the body, or over query and body without a separator, is accepted', () => {
    const inBody = sign('symbol=BTCUSDT&timestamp=1');
    expect(verify(inBody, '', `symbol=BTCUSDT&timestamp=1&signature=${inBody}`)).toBe(true);
    const mixed = sign('timestamp=1symbol=BTCUSDT');
    expect(verify(mixed, `timestamp=1&signature=${mixed}`, 'symbol=BTCUSDT')).toBe(true);
  });

  it('A client signature over the decoded text or over encodeURIComponent’s is accepted, since libraries differ', () => {
    const query = 'note=a+b%21&timestamp=1';
    for (const text of [query, 'note=a b!&timestamp=1', 'note=a%20b!&timestamp=1']) {
      expect(verify(sign(text), `${query}&signature=${sign(text)}`)).toBe(true);
    }
  });

  it('A client signature in capitals is accepted', () => {
    const signature = sign('a=1').toUpperCase();
    expect(verify(signature, `a=1&signature=${signature}`)).toBe(true);
  });

  it.each([
    ['of another secret', createHmac('sha256', 'other').update('a=1').digest('hex')],
    ['over other bytes', sign('a=2')],
    ['cut short', sign('a=1').slice(2)],
    ['that is no hex', 'z'.repeat(64)],
    ['that is empty', ''],
  ])('A client signature %s is refused', (_name, signature) => {
    expect(verify(signature, `a=1&signature=${signature}`)).toBe(false);
  });
});
