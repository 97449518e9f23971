import { format, inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SecretFence } from '../../../src/core/records/secret-mask.ts';

const KEY = 'vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A';

describe('the secret fence', () => {
  it('masks a secret wherever it stands in a text, as often as it stands there', () => {
    const fence = new SecretFence([KEY]);
    expect(fence.hide(`a${KEY}b${KEY}${KEY}`)).toBe('a***b******');
    expect(fence.hide(KEY.slice(1))).toBe(KEY.slice(1));
  });

  it('masks any secret of eight characters or more in any surroundings', () => {
    const secret = fc
      .string({ minLength: 8, maxLength: 80, unit: 'grapheme' })
      .filter((text) => text.length >= 8);
    fc.assert(
      fc.property(secret, fc.string(), fc.string(), (text, before, after) => {
        expect(new SecretFence([text]).hide(before + text + after)).not.toContain(text);
      }),
    );
  });

  it('knows a secret behind percent-encoding, once or several times', () => {
    const fence = new SecretFence([KEY]);
    const once = [...KEY].map((char) => `%${char.charCodeAt(0).toString(16)}`).join('');
    const twice = once.replaceAll('%', '%25');
    expect(fence.scrub(`x=${once}`)).toBe('***');
    expect(fence.scrub(`x=${twice}`)).toBe('***');
  });

  it('knows a secret in its JSON spelling and each long line of a PEM text', () => {
    const pem = `-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA${'q'.repeat(40)}\n-----END PRIVATE KEY-----\n`;
    const fence = new SecretFence([pem, 'pass"phrase\\with quotes']);
    expect(fence.hide(JSON.stringify({ pem }))).toBe('{"pem":"***"}');
    expect(fence.hide(`MC4CAQAwBQYDK2VwBCIEIA${'q'.repeat(40)}`)).toBe('***');
    expect(fence.hide(JSON.stringify('a pass"phrase\\with quotes'))).toBe('"a ***"');
  });

  it('masks a short secret only where it is the whole value', () => {
    const fence = new SecretFence(['call', '']);
    expect(fence.scrub('call')).toBe('***');
    expect(fence.scrub('recall')).toBe('recall');
    expect(fence.hide('{"event":"call.signed"}')).toBe('{"event":"call.signed"}');
  });

  it('does not keep the secrets it knows', () => {
    const fence = new SecretFence([KEY]);
    const shown = `${inspect(fence, { showHidden: true, depth: 9 })}${JSON.stringify(fence)}${format('%o', fence)}`;
    expect(shown).not.toContain(KEY.slice(10, 20));
  });
});

describe('a fence made of others', () => {
  it('knows the secrets of each, long and short', () => {
    const before = new SecretFence(['the-first-secret-of-all', 'pw1']);
    const after = new SecretFence(['another-secret-that-came-later']);
    const both = new SecretFence([], [after, before]);
    expect(both.hide('x the-first-secret-of-all y another-secret-that-came-later z')).toBe('x *** y *** z');
    expect(both.scrub('pw1')).toBe('***');
    expect(after.hide('x the-first-secret-of-all')).toBe('x the-first-secret-of-all');
  });
});
