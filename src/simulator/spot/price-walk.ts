import type { Money } from '../base/money.ts';
import type { SymbolRules } from './symbols.ts';

/** Steps between two turning points of a price. */
const LEG_STEPS = 60;

/**
 * A seeded pseudo-random price that wanders within half a percent of its start. It is a function of the step alone,
 * so history, candles and the book of one moment always agree. All arithmetic is in whole ticks.
 */
export class PriceWalk {
  readonly #rules: SymbolRules;
  readonly #seed: number;
  readonly #reachTicks: number;

  constructor(rules: SymbolRules, seed: number) {
    this.#rules = rules;
    this.#seed = [...rules.symbol].reduce((hash, letter) => mix(hash, letter.codePointAt(0) ?? 0), seed);
    this.#reachTicks = rules.startPrice.div(rules.tickSize).div(250).floor().toNumber();
  }

  priceAt(step: number): Money {
    const leg = Math.floor(step / LEG_STEPS);
    const inside = step - leg * LEG_STEPS;
    const from = this.#turningPoint(leg);
    const to = this.#turningPoint(leg + 1);
    const jitter = this.pick(step, 2, Math.ceil(this.#reachTicks / 10)) - Math.ceil(this.#reachTicks / 20);
    const ticks = from + Math.trunc(((to - from) * inside) / LEG_STEPS) + jitter;
    return this.#rules.startPrice.add(this.#rules.tickSize.mul(ticks));
  }

  /** A whole number from 0 up to and including `largest`, always the same for the same step and salt. */
  pick(step: number, salt: number, largest: number): number {
    return mix(mix(this.#seed, step), salt) % (largest + 1);
  }

  #turningPoint(leg: number): number {
    return this.pick(leg, 1, 2 * this.#reachTicks) - this.#reachTicks;
  }
}

/** 32-bit mixing (the finaliser of MurmurHash3). */
function mix(state: number, value: number): number {
  let hash = (state ^ Math.imul(value | 0, 0x9e3779b1)) >>> 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
