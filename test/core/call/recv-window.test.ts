import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assertRecvWindow } from '../../../src/core/call/recv-window.ts';
import { recvWindowFor } from '../../../src/core/signing/sign-call.ts';
import { refusal } from '../../support/fixtures/call.ts';
import { runs } from '../../support/properties.ts';

describe('a recvWindow', () => {
  it.each([
    ...['0', '0.0', '0.000', '00', '-1', '-5000', '-0', '+5000', '', ' ', ' 5000', '5000 ', 'soon', 'NaN'],
    ...[
      'Infinity',
      '5e3',
      '0x1388',
      '5,000',
      '5000.',
      '.5',
      '0.0001',
      '５０００',
      '%35000',
      '[5000]',
      'true',
    ],
    '1'.repeat(17),
  ])('A recvWindow of %j is refused', (recvWindow) => {
    expect(refusal(() => assertRecvWindow({ recvWindow }))).toBe('PROXY_MALFORMED_REQUEST');
  });

  it.each([undefined, '1', '0.001', '5000', '5000.125', '60000', '60001', '999999999'])(
    'A recvWindow of %j is taken',
    (recvWindow) => {
      expect(() => assertRecvWindow({ recvWindow })).not.toThrow();
    },
  );

  it('A recvWindow that is taken leaves as it is or as the maximum, and is never 0', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.float().map(String), fc.integer().map(String)), (recvWindow) => {
        try {
          assertRecvWindow({ recvWindow });
        } catch {
          return;
        }
        const sent = Number(recvWindowFor(recvWindow, 5_000));
        expect(sent).toBe(Math.min(Number(recvWindow), 5_000));
        expect(sent).toBeGreaterThan(0);
      }),
      runs(5_000),
    );
  });
});
