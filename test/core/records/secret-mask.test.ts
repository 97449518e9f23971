import { format, inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SecretMask } from '../../../src/core/records/secret-mask.ts';
import { runs } from '../../support/properties.ts';

const KEY = 'vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A';

describe('the secret mask', () => {
  it('The mask hides a secret wherever it stands in a text, as often as it stands there', () => {
    const secretMask = new SecretMask([KEY]);
    expect(secretMask.maskLine(`a${KEY}b${KEY}${KEY}`)).toBe('a***b******');
    expect(secretMask.maskLine(KEY.slice(1))).toBe(KEY.slice(1));
  });

  it('The mask hides any secret of eight characters or more in any surroundings', () => {
    const secret = fc
      .string({ minLength: 8, maxLength: 80, unit: 'grapheme' })
      .filter((text) => text.length >= 8);
    fc.assert(
      fc.property(secret, fc.string(), fc.string(), (text, before, after) => {
        expect(new SecretMask([text]).maskLine(before + text + after)).not.toContain(text);
      }),
      runs(1_000),
    );
  });

  it('The mask knows a secret behind percent-encoding, once or several times', () => {
    const secretMask = new SecretMask([KEY]);
    const once = [...KEY].map((char) => `%${char.charCodeAt(0).toString(16)}`).join('');
    const twice = once.replaceAll('%', '%25');
    expect(secretMask.maskValue(`x=${once}`)).toBe('***');
    expect(secretMask.maskValue(`x=${twice}`)).toBe('***');
  });

  it('The mask knows a secret in its JSON spelling and each long line of a PEM text', () => {
    const pem = `-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA${'q'.repeat(40)}\n-----END PRIVATE KEY-----\n`;
    const secretMask = new SecretMask([pem, 'pass"phrase\\with quotes']);
    expect(secretMask.maskLine(JSON.stringify({ pem }))).toBe('{"pem":"***"}');
    expect(secretMask.maskLine(`MC4CAQAwBQYDK2VwBCIEIA${'q'.repeat(40)}`)).toBe('***');
    expect(secretMask.maskLine(JSON.stringify('a pass"phrase\\with quotes'))).toBe('"a ***"');
  });

  it('The mask hides a short secret only where it is the whole value', () => {
    const secretMask = new SecretMask(['call', '']);
    expect(secretMask.maskValue('call')).toBe('***');
    expect(secretMask.maskValue('recall')).toBe('recall');
    expect(secretMask.maskLine('{"event":"call.signed"}')).toBe('{"event":"call.signed"}');
  });

  it('The mask does not show the secrets it knows when it is printed', () => {
    const secretMask = new SecretMask([KEY]);
    const shown = `${inspect(secretMask, { showHidden: true, depth: 9 })}${JSON.stringify(secretMask)}${format('%o', secretMask)}`;
    expect(shown).not.toContain(KEY.slice(10, 20));
  });
});

describe('a mask made of others', () => {
  it('A mask made of others knows the secrets of each, long and short', () => {
    const before = new SecretMask(['the-first-secret-of-all', 'pw1']);
    const after = new SecretMask(['another-secret-that-came-later']);
    const both = new SecretMask([], [after, before]);
    expect(both.maskLine('x the-first-secret-of-all y another-secret-that-came-later z')).toBe(
      'x *** y *** z',
    );
    expect(both.maskValue('pw1')).toBe('***');
    expect(after.maskLine('x the-first-secret-of-all')).toBe('x the-first-secret-of-all');
  });
});
