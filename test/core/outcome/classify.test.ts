import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Method } from '../../../src/core/catalogue/endpoint.ts';
import { type CallEnd, type CallEndPhase, classify } from '../../../src/core/outcome/classify.ts';
import type { UpstreamName } from '../../../src/core/upstream.ts';
import { runs } from '../../support/properties.ts';

type Parts = Partial<CallEnd>;

const DOORS: Readonly<Record<string, readonly [UpstreamName, string]>> = {
  spot: ['spot', '/api/v3/order'],
  sapi: ['spot', '/sapi/v1/margin/order'],
  usdm: ['usdm', '/fapi/v1/order'],
  coinm: ['coinm', '/dapi/v1/order'],
  options: ['options', '/eapi/v1/order'],
  portfolio: ['portfolio', '/papi/v1/um/order'],
};
const FAMILIES = Object.keys(DOORS);
const FUTURES = ['usdm', 'coinm', 'options', 'portfolio'];

function order(family: string, parts: Parts): CallEnd {
  const [upstream, path] = DOORS[family]!;
  return { upstream, path, method: 'POST', effect: 'place', phase: 'body', ...parts };
}

function read(parts: Parts): CallEnd {
  const path = '/api/v3/account';
  return { upstream: 'spot', path, method: 'GET', effect: 'none', phase: 'body', ...parts };
}

const REFUSED = { outcome: 'answered', execution: 'refused', retry: 'none' };
const EXECUTED = { outcome: 'answered', execution: 'executed', retry: 'none' };
const PARTLY = { outcome: 'answered', execution: 'partly', retry: 'none' };
const UNKNOWN = { outcome: 'unknown', execution: 'unknown', retry: 'none' };
const NOT_SENT = { outcome: 'not-sent', execution: 'refused' };

describe('a call that got no whole answer', () => {
  it('A call that found no connection was not sent, and only one that changes nothing is tried again', () => {
    expect(classify(order('spot', { phase: 'not-connected' }))).toEqual({ ...NOT_SENT, retry: 'none' });
    expect(classify(read({ phase: 'not-connected' }))).toEqual({ ...NOT_SENT, retry: 'once' });
  });

  it('A call on a pooled connection that was dead before the first byte was not sent, so any call may go again', () => {
    expect(classify(order('spot', { phase: 'before-first-byte' }))).toEqual({ ...NOT_SENT, retry: 'once' });
    expect(classify(read({ phase: 'before-first-byte' }))).toEqual({ ...NOT_SENT, retry: 'once' });
  });

  it.each(['POST', 'PUT', 'DELETE'] as const)(
    'A %s is unknown and never repeated once bytes went out',
    (method) => {
      for (const family of FAMILIES)
        for (const phase of ['after-bytes', 'headers'] as const)
          for (const reusedConnection of [true, false])
            expect(classify(order(family, { method, phase, reusedConnection }))).toEqual(UNKNOWN);
    },
  );

  it('A GET without a whole answer is unknown too, and is repeated when its connection may have been stale', () => {
    const once = { ...UNKNOWN, retry: 'once' };
    expect(classify(read({ phase: 'after-bytes', reusedConnection: true }))).toEqual(once);
    expect(classify(read({ phase: 'after-bytes' }))).toEqual(once);
    expect(classify(read({ phase: 'after-bytes', reusedConnection: false }))).toEqual(UNKNOWN);
    expect(classify(read({ phase: 'after-bytes', headersTimeout: true }))).toEqual(UNKNOWN);
    expect(classify(read({ phase: 'headers', status: 200 }))).toEqual(UNKNOWN);
  });

  it('A call whose answer was cut off or broken is unknown, whatever the status said', () => {
    for (const status of [200, 400, 409, 429, 500, 503])
      expect(classify(order('spot', { status, wellFormed: false }))).toEqual(UNKNOWN);
    expect(classify(read({ status: 200, wellFormed: false }))).toEqual(UNKNOWN);
  });

  it('The one GET that changes something is not repeated', () => {
    const path = '/sapi/v1/soft-staking/set';
    expect(classify(read({ path, phase: 'after-bytes' }))).toEqual(UNKNOWN);
    expect(classify(read({ path, status: 502 }))).toEqual(UNKNOWN);
    expect(classify(read({ path, phase: 'not-connected' })).retry).toBe('none');
  });
});

describe('a whole answer to a call that changes something', () => {
  it.each(FAMILIES)('A changing call of %s is executed at 2xx and refused at 4xx', (family) => {
    expect(classify(order(family, { status: 200, contentType: 'application/json' }))).toEqual(EXECUTED);
    expect(classify(order(family, { status: 200, code: 200, msg: 'success' }))).toEqual(EXECUTED);
    for (const status of [400, 401, 403, 404, 405, 406, 410, 413, 414, 415, 418, 429, 451])
      expect(classify(order(family, { status, code: -1121 }))).toEqual(REFUSED);
    expect(classify(order(family, { status: 403, contentType: 'text/html' }))).toEqual(REFUSED);
    expect(classify(order(family, { status: 400, code: 497301 }))).toEqual(REFUSED);
  });

  it.each(FAMILIES)('A call of %s is unknown at 408, a redirect, and a 5xx without a reason', (family) => {
    for (const status of [302, 408, 500, 502, 503, 504])
      expect(classify(order(family, { status }))).toEqual(UNKNOWN);
    for (const status of [200, 500, 502, 503])
      expect(classify(order(family, { status, contentType: 'text/html; charset=utf-8' }))).toEqual(UNKNOWN);
    expect(classify(order(family, { status: 503, code: 497301 }))).toEqual(UNKNOWN);
    expect(classify(order(family, { status: 500, msg: 'Request occur unknown error.' }))).toEqual(UNKNOWN);
  });

  it.each(FAMILIES)('A call of %s is unknown at -1000, -1006 and -1007, whatever the status', (family) => {
    for (const code of [-1000, -1006, -1007])
      for (const status of [200, 400, 500, 503])
        expect(classify(order(family, { status, code }))).toEqual(UNKNOWN);
  });

  it('A changing call is refused at a 5xx whose code says that the engine never saw it, or refused it', () => {
    for (const code of [-1003, -1008, -1013, -1015, -1016, -1022, -1102, -1121, -2010, -2011, -2014, -2015])
      expect(classify(order('spot', { status: 503, code }))).toEqual(REFUSED);
    expect(classify(order('spot', { status: 503, code: -9999 }))).toEqual(UNKNOWN);
  });

  const texts = {
    A: ['Unknown error, please check your request or try again later.', -1000],
    B: ['Service Unavailable.', undefined],
    C: ['Internal error; unable to process your request. Please try again.', -1001],
    D: ['Request throttled by system-level protection. Reduce-only/close-position orders are exempt.', -1008],
  } as const;

  it.each(FUTURES)('A call of %s follows the four 503 texts: A is unknown, B to D are refused', (family) => {
    for (const [name, [msg, code]] of Object.entries(texts)) {
      const parts = { status: 503, msg, ...(code === undefined ? {} : { code }) };
      expect(classify(order(family, parts)), name).toEqual(name === 'A' ? UNKNOWN : REFUSED);
    }
  });

  it('The text C behind -1001 is believed on futures, and no -1001 is on spot and /sapi', () => {
    const [msg, code] = texts.C;
    expect(classify(order('usdm', { status: 400, code, msg }))).toEqual(REFUSED);
    expect(classify(order('usdm', { status: 400, code, msg: 'Disconnected.' }))).toEqual(UNKNOWN);
    expect(classify(order('spot', { status: 503, code, msg }))).toEqual(UNKNOWN);
    expect(classify(order('sapi', { status: 503, code, msg }))).toEqual(UNKNOWN);
    expect(classify(order('spot', { status: 503, msg: texts.B[0] }))).toEqual(UNKNOWN);
  });

  it.each([200, 400, 503])(
    'The code of a maintenance window leaves the order open at %i, on futures only',
    (status) => {
      const execution = (upstream: UpstreamName) =>
        classify({
          ...({ upstream, path: '/fapi/v1/order', method: 'POST', effect: 'place', phase: 'body' } as const),
          ...{ status, code: 239_999, contentType: 'application/json', wellFormed: true },
        });
      for (const upstream of ['usdm', 'coinm', 'options', 'portfolio'] as const)
        expect(execution(upstream)).toMatchObject({ outcome: 'unknown', execution: 'unknown' });
    },
  );

  it('An answer with -1021 is healed once by a new stamp, and only when Binance refused the call', () => {
    const healed = { ...REFUSED, retry: 'restamp' };
    expect(classify(order('spot', { status: 400, code: -1021 }))).toEqual(healed);
    expect(classify(order('usdm', { status: 400, code: -1021, method: 'DELETE', effect: 'cancel' }))).toEqual(
      healed,
    );
    expect(classify(read({ status: 400, code: -1021 }))).toEqual(healed);
    expect(classify(order('spot', { status: 400, code: -1021, wellFormed: false })).retry).toBe('none');
    expect(classify(order('spot', { status: 503, code: -1021 })).retry).toBe('none');
  });
});

describe('a cancel-replace', () => {
  const replace = (parts: Parts): CallEnd => order('spot', { path: '/api/v3/order/cancelReplace', ...parts });

  it('A cancel-replace is partly done at 409, and at 429 with -2021', () => {
    expect(classify(replace({ status: 409, code: -2021, elementCodes: [undefined, -2010] }))).toEqual(PARTLY);
    expect(classify(replace({ status: 429, code: -2021, elementCodes: [undefined, -1015] }))).toEqual(PARTLY);
    expect(classify(replace({ status: 409, contentType: 'application/sbe' }))).toEqual(PARTLY);
  });

  it('A cancel-replace is refused at 400 with -2022 and at 429 with -1015', () => {
    expect(classify(replace({ status: 400, code: -2022, elementCodes: [-2011, undefined] }))).toEqual(
      REFUSED,
    );
    expect(classify(replace({ status: 429, code: -1015 }))).toEqual(REFUSED);
    expect(classify(replace({ status: 429, contentType: 'text/html' }))).toEqual(REFUSED);
  });

  it('A cancel-replace is unknown when one half is, and at a 429 whose body cannot be read', () => {
    expect(classify(replace({ status: 409, code: -2021, elementCodes: [undefined, -1007] }))).toEqual(
      UNKNOWN,
    );
    expect(classify(replace({ status: 429, contentType: 'application/sbe' }))).toEqual(UNKNOWN);
  });

  it('The code -2021 of a cancel-replace is an ordinary refusal on futures and /sapi', () => {
    expect(classify(order('usdm', { status: 400, code: -2021 }))).toEqual(REFUSED);
    expect(classify(order('sapi', { status: 400, code: -2021 }))).toEqual(REFUSED);
  });
});

describe('a batch', () => {
  const batch = (elementCodes: readonly (number | undefined)[]): CallEnd =>
    order('usdm', { path: '/fapi/v1/batchOrders', status: 200, elementCodes });

  it('A batch is executed, refused or partly done by its elements', () => {
    expect(classify(batch([undefined, undefined]))).toEqual(EXECUTED);
    expect(classify(batch([-2019, -1121]))).toEqual(REFUSED);
    expect(classify(batch([undefined, -2019]))).toEqual(PARTLY);
    expect(classify(batch([]))).toEqual(EXECUTED);
  });

  it('A batch is unknown when one element is', () => {
    expect(classify(batch([undefined, -1007]))).toEqual(UNKNOWN);
    expect(classify(batch([-2019, -1001]))).toEqual(UNKNOWN);
  });
});

describe('an answer to a call that changes nothing', () => {
  it('An answer to a call that changes nothing is an answer, whatever it says', () => {
    expect(classify(read({ status: 200 }))).toEqual(EXECUTED);
    for (const [status, code] of [
      [400, -1121],
      [500, -1000],
      [503, -1007],
      [429, -1003],
    ] as const)
      expect(classify(read({ status, code }))).toEqual(REFUSED);
    expect(classify(read({ status: 502, contentType: 'text/html' }))).toEqual(REFUSED);
  });

  it('A test order changes nothing, but as a POST it is never repeated after bytes went out', () => {
    const test = order('spot', { path: '/api/v3/order/test', effect: 'none' });
    expect(classify({ ...test, status: 503 }).outcome).toBe('answered');
    expect(classify({ ...test, phase: 'after-bytes' }).retry).toBe('none');
  });
});

describe('every ending', () => {
  const optional = <T>(arb: fc.Arbitrary<T>) => fc.option(arb, { nil: undefined });
  const endings: fc.Arbitrary<CallEnd> = fc
    .record({
      orderShape: fc.constantFrom(...Object.values(DOORS), ['spot', '/api/v3/order/cancelReplace'] as const),
      method: fc.constantFrom<Method>('POST', 'PUT', 'DELETE'),
      phase: fc.constantFrom<CallEndPhase>(
        'not-connected',
        'before-first-byte',
        'after-bytes',
        'headers',
        'body',
      ),
      status: optional(fc.integer({ min: 200, max: 599 })),
      code: optional(fc.integer({ min: -5000, max: 10 })),
      elementCodes: optional(fc.array(optional(fc.integer({ min: -5000, max: -1 })))),
      msg: optional(fc.string()),
      contentType: optional(fc.constantFrom('application/json', 'text/html', 'application/sbe')),
      wellFormed: optional(fc.boolean()),
    })
    .map(({ orderShape: [upstream, path], method, phase, ...rest }) => {
      const known = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
      return { upstream, path, method, phase, effect: 'place', ...known };
    });

  it('The execution of an order is unknown exactly when the outcome header says unknown', () => {
    fc.assert(
      fc.property(endings, (ending) => {
        const { outcome, execution } = classify(ending);
        expect(outcome === 'unknown').toBe(execution === 'unknown');
        expect(outcome === 'not-sent').toBe(
          ending.phase === 'not-connected' || ending.phase === 'before-first-byte',
        );
      }),
      runs(5_000),
    );
  });

  it('An order never goes out twice once Binance may have seen it', () => {
    fc.assert(
      fc.property(endings, (ending) => {
        const { execution, retry } = classify(ending);
        if (retry !== 'none') expect(execution).toBe('refused');
        if (retry === 'once') expect(ending.phase).toBe('before-first-byte');
      }),
      runs(5_000),
    );
  });
});
