import { describe, expect, it } from 'vitest';
import { isHeldToLeverage, judgeLeverage } from '../../../src/core/access/leverage.ts';
import { readCall } from '../../../src/core/call/call.ts';
import { catalogueEndpoint } from '../../support/fixtures/catalogue-endpoints.ts';

const FIVE = { maxLeverage: 5 };
const usdm = catalogueEndpoint('POST', '/fapi/v1/leverage');
const cross = catalogueEndpoint('POST', '/sapi/v1/margin/max-leverage');

/** The half sentence of the violation; undefined when the call keeps the rule. */
function why(body: string, endpoint = usdm, rules = FIVE): string | undefined {
  const call = readCall(endpoint.method, endpoint.path, Buffer.from(body));
  const [violation, ...others] = judgeLeverage(rules, endpoint, call);
  expect(others).toEqual([]);
  if (violation !== undefined) expect(violation.rule).toBe('order.maxLeverage');
  return violation?.why;
}

describe('the rule order.maxLeverage', () => {
  it('Leverage up to the largest passes, and above it is refused', () => {
    for (const body of ['leverage=1', 'leverage=5', '{"leverage":5}', '{"leverage":"5"}'])
      expect(why(body), body).toBeUndefined();
    for (const body of ['leverage=6', 'leverage=125', '{"leverage":6}', '{"leverage":"125"}'])
      expect(why(body), body).toBe('its leverage is above 5');
    expect(why('maxLeverage=5', cross)).toBeUndefined();
    expect(why('maxLeverage=10', cross)).toBe('its leverage is above 5');
  });

  it.each([
    '',
    'leverage=',
    'leverage',
    'leverage=0',
    'leverage=05',
    'leverage=5.0',
    'leverage=%2B5',
    'leverage=-5',
    'leverage=5e0',
    'leverage=+5',
    'leverage=five',
    'leverage=%ff',
    'leverage=9999999999',
    'Leverage=5',
    'maxLeverage=5',
    'leverage=5&Leverage=20',
    'leverage=5&maxLeverage=20',
    '{"leverage":[5]}',
  ])('Leverage that is not one plain whole number is refused: "%s"', (body) => {
    expect(why(body)).toBe('its leverage cannot be read as one whole number');
  });

  it('The rule holds for calls that set leverage, and for clients that have it', () => {
    expect(isHeldToLeverage(FIVE, usdm)).toBe(true);
    expect(isHeldToLeverage({}, usdm)).toBe(false);
    expect(isHeldToLeverage(undefined, usdm)).toBe(false);
    expect(isHeldToLeverage(FIVE, catalogueEndpoint('POST', '/fapi/v1/marginType'))).toBe(false);
    expect(isHeldToLeverage(FIVE, catalogueEndpoint('GET', '/fapi/v1/leverageBracket'))).toBe(false);
    expect(why('leverage=125', usdm, {} as typeof FIVE)).toBeUndefined();
    expect(why('leverage=125', catalogueEndpoint('POST', '/fapi/v1/marginType'))).toBeUndefined();
  });
});
