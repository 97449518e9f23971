import { expect, it } from 'vitest';
import { causeOf } from '../../../src/upstream/connections/connection-trouble.ts';

function failure(code: string, cause?: Error): Error {
  return Object.assign(new Error('x', { cause }), { code });
}

it.each<[code: string, kind: string, what: RegExp]>([
  ['ENOTFOUND', 'name', /^its name could not be resolved \(ENOTFOUND\): check the network and the DNS/],
  ['EAI_AGAIN', 'name', /^its name could not be resolved \(EAI_AGAIN\)/],
  ['ECONNREFUSED', 'refused', /^nobody accepts connections there/],
  ['ETIMEDOUT', 'timeout', /^no answer came in time \(ETIMEDOUT\)/],
  ['UND_ERR_CONNECT_TIMEOUT', 'timeout', /^no answer came in time/],
  ['UND_ERR_HEADERS_TIMEOUT', 'timeout', /^no answer came in time/],
  ['ENETUNREACH', 'network', /^there is no way to it from this machine/],
  ['ECONNRESET', 'network', /^the connection failed \(ECONNRESET\)/],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'certificate', /set BINANCE_PROXY_UPSTREAM_CA_FILE to the PEM file/],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'certificate', /set BINANCE_PROXY_UPSTREAM_CA_FILE to the PEM file/],
  ['CERT_HAS_EXPIRED', 'certificate', /look at the clock of this machine first$/],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'certificate', /something that is not Binance answered/],
])('%s is told as its cause, in one sentence without its full stop', (code, kind, what) => {
  expect(causeOf(failure(code))).toEqual({ code, kind, what: expect.stringMatching(what) });
  if (!code.startsWith('UND_'))
    expect(causeOf(failure('UND_ERR_SOCKET', failure(code)))).toMatchObject({ kind });
  expect(causeOf(new AggregateError([failure(code)], 'all failed'))).toMatchObject({ code, kind });
  expect(causeOf(failure(code)).what).not.toMatch(/\.$/);
});

it('An error without a code is told by its own words, and an answer that is no JSON without its text', () => {
  expect(causeOf(new Error('the server time is no time.'))).toMatchObject({
    what: 'the server time is no time',
  });
  expect(causeOf(new SyntaxError('Unexpected token <secret'))).toMatchObject({
    what: 'the answer is no JSON',
  });
});
