import { allPairs, type Call } from '../call/call.ts';
import { decodedValue } from '../call/form.ts';
import type { Endpoint } from '../catalogue/endpoint.ts';
import type { OrderRules } from './client.ts';
import type { Violation } from './violation.ts';

type LeverageCall = Pick<Endpoint, 'touches' | 'path'>;

/** The calls that set leverage, by the end of their path, and the parameter in which each says it. */
const LEVERAGE_PARAMETERS: readonly (readonly [ending: string, parameter: string])[] = [
  ['/leverage', 'leverage'],
  ['/max-leverage', 'maxLeverage'],
];
const WHOLE = /^[1-9][0-9]{0,8}$/;

/** Whether `order.maxLeverage` holds for a call. */
export function isHeldToLeverage(rules: OrderRules | undefined, endpoint: LeverageCall): boolean {
  return rules?.maxLeverage !== undefined && leverageParameter(endpoint) !== undefined;
}

/**
 * Holds the leverage that a call sets against the largest one its client may set. What is not a plain whole number, or
 * speaks of leverage under another name, is refused: nobody here could say how Binance would read it.
 */
export function judgeLeverage(
  rules: OrderRules | undefined,
  endpoint: LeverageCall,
  call: Call,
): Violation[] {
  const largest = rules?.maxLeverage;
  const parameter = leverageParameter(endpoint);
  if (largest === undefined || parameter === undefined) return [];
  const spoken = allPairs(call).filter(({ name }) => /leverage/i.test(name));
  const [pair, ...others] = spoken;
  const value = pair?.name === parameter && others.length === 0 ? decodedValue(pair) : undefined;
  if (value === undefined || !WHOLE.test(value))
    return [{ rule: 'order.maxLeverage', why: 'its leverage cannot be read as one whole number' }];
  if (Number(value) <= largest) return [];
  return [{ rule: 'order.maxLeverage', why: `its leverage is above ${largest}` }];
}

function leverageParameter({ touches, path }: LeverageCall): string | undefined {
  if (touches !== 'symbol' && touches !== 'account') return undefined;
  return LEVERAGE_PARAMETERS.find(([ending]) => path.endsWith(ending))?.[1];
}
