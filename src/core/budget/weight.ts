import { type Call, findPair } from '../call/call.ts';
import { decodedValue } from '../call/form.ts';
import type { Weight, WeightStep } from '../catalogue/endpoint.ts';

/** More than any weight: what cannot be read costs the largest one. */
const UNREADABLE = Number.POSITIVE_INFINITY;
const POSITIVE_INTEGER = /^[1-9]\d{0,8}$/;

/**
 * The weight of a call by its endpoint's rule. A parameter that cannot be read, and a call that no step describes,
 * cost the largest weight: an estimate may be too high, never too low.
 */
export function weightOf(weight: Weight, call: Call): number {
  if (weight.steps === undefined) return weight.max;
  for (const step of weight.steps) {
    const cost = costOf(step, call);
    if (cost !== undefined) return Math.min(cost, weight.max);
  }
  return weight.max;
}

/** Undefined when the step does not speak about this call. */
function costOf(step: WeightStep, call: Call): number | undefined {
  if ('has' in step) {
    const value = read(step.has, call);
    return typeof value === 'string' ? step.w : value;
  }
  if ('eq' in step) return costOfEqual(step.eq, step.w, call);
  if ('limit' in step) return costOfLimit(step.limit, step.default, call);
  if ('count' in step) {
    const count = countOf(step.count, call);
    return count === undefined ? undefined : Math.min(count * step.each, step.cap);
  }
  if ('countSteps' in step) {
    const count = countOf(step.countSteps, call);
    return count === undefined ? undefined : stepFor(step.steps, count, step.over);
  }
  return step.w;
}

function costOfEqual(eq: readonly [string, ...string[]], w: number, call: Call): number | undefined {
  const value = read(eq[0], call);
  if (typeof value !== 'string') return value;
  const upper = value.toUpperCase();
  for (let at = 1; at < eq.length; at++) if (eq[at]?.toUpperCase() === upper) return w;
  return undefined;
}

function costOfLimit(
  steps: readonly (readonly [upTo: number, w: number])[],
  standard: number,
  call: Call,
): number {
  const value = read('limit', call);
  if (value === undefined) return stepFor(steps, standard, UNREADABLE);
  if (typeof value !== 'string' || !POSITIVE_INTEGER.test(value)) return UNREADABLE;
  return stepFor(steps, Number(value), UNREADABLE);
}

function stepFor(
  steps: readonly (readonly [upTo: number, w: number])[],
  count: number,
  over: number,
): number {
  for (const [upTo, w] of steps) if (count <= upTo) return w;
  return over;
}

/** The number of elements of a JSON array of strings; undefined when the parameter is absent. */
function countOf(name: string, call: Call): number | undefined {
  const value = read(name, call);
  if (typeof value !== 'string') return value;
  try {
    const list: unknown = JSON.parse(value);
    if (!Array.isArray(list) || list.length === 0) return UNREADABLE;
    return list.every((element) => typeof element === 'string') ? list.length : UNREADABLE;
  } catch {
    return UNREADABLE;
  }
}

/** The value of a parameter; UNREADABLE when it is empty, repeated, or no valid UTF-8. */
function read(name: string, call: Call): string | typeof UNREADABLE | undefined {
  const pair = findPair(call, name);
  if (pair === undefined) return undefined;
  if (call.repeated.includes(name)) return UNREADABLE;
  const value = decodedValue(pair);
  return value === undefined || value === '' ? UNREADABLE : value;
}
