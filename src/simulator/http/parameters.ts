import {
  duplicateValues,
  ExchangeError,
  illegalCharacters,
  mandatoryParameter,
  unreadParameters,
} from '../base/exchange-error.ts';
import { Money } from '../base/money.ts';

/** One `name=value` of a query or body. */
export interface WirePair {
  readonly name: string;
  readonly value: string;
  /** The segment as received. */
  readonly text: string;
  /** The value as received, with its escapes. */
  readonly rawValue: string;
}

interface Rule {
  readonly mandatory?: true;
  readonly repeatable?: true;
  /** What the whole value must look like. */
  readonly legal?: RegExp;
  /** The legal range in the error; the source of `legal` by default. */
  readonly range?: string;
}
export type Rules = Readonly<Record<string, Rule>>;

/** The three parameters that authenticate a signed request. */
export const STAMP_NAMES: ReadonlySet<string> = new Set(['timestamp', 'recvWindow', 'signature']);

/**
 * Splits a query or a form body. An empty segment (`&&`, a leading or trailing `&`) is refused.
 * @throws ExchangeError -1100
 */
export function splitPairs(text: string): WirePair[] {
  if (text === '') return [];
  return text.split('&').map((segment) => {
    const equals = segment.indexOf('=');
    const name = decodeForm(equals === -1 ? segment : segment.slice(0, equals));
    const rawValue = equals === -1 ? '' : segment.slice(equals + 1);
    if (name === undefined || name === '')
      throw new ExchangeError(-1100, 'Illegal characters found in a parameter.');
    const value = decodeForm(rawValue);
    if (value === undefined) throw illegalCharacters(name, 'UTF-8');
    return { name, value, text: segment, rawValue };
  });
}

function decodeForm(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

/** The parameters of one request, decoded. An empty value counts as not sent. */
export class Parameters {
  readonly #values = new Map<string, string[]>();
  readonly names: readonly string[];

  constructor(pairs: readonly WirePair[]) {
    for (const { name, value } of pairs) {
      const known = this.#values.get(name);
      if (known === undefined) this.#values.set(name, [value]);
      else known.push(value);
    }
    this.names = [...this.#values.keys()];
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  get(name: string): string | undefined {
    const value = this.#values.get(name)?.[0];
    return value === '' ? undefined : value;
  }

  all(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  /** @throws ExchangeError -1102 */
  need(name: string): string {
    const value = this.get(name);
    if (value === undefined) throw mandatoryParameter(name);
    return value;
  }

  integer(name: string): number | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    if (!/^[0-9]{1,20}$/.test(value)) throw illegalCharacters(name, '^[0-9]{1,20}$');
    return Number(value);
  }

  decimal(name: string): Money | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    if (!DECIMAL.test(value)) throw illegalCharacters(name, DECIMAL.source);
    return new Money(value);
  }
}

export const DECIMAL = /^([0-9]{1,20})(\.[0-9]{1,20})?$/;

/** @throws ExchangeError -1101 when a name that may not be repeated stands twice, wherever it stands */
export function refuseDuplicates(pairs: readonly WirePair[], repeatable: (name: string) => boolean): void {
  const seen = new Set<string>();
  for (const { name } of pairs) {
    if (seen.has(name) && !repeatable(name)) throw duplicateValues();
    seen.add(name);
  }
}

/**
 * Checks what an endpoint declares against what was sent.
 * @throws ExchangeError -1101 or -1104 for the unknown, -1100 for the malformed, -1102 for the missing
 */
export function checkRules(rules: Rules, parameters: Parameters, signed: boolean): void {
  const known = (name: string) => Object.hasOwn(rules, name) || (signed && STAMP_NAMES.has(name));
  const read = parameters.names.filter(known).length;
  if (read < parameters.names.length) throw unreadParameters(read, parameters.names.length);
  for (const [name, rule] of Object.entries(rules)) {
    if (rule.mandatory && !parameters.has(name)) throw mandatoryParameter(name);
    if (rule.legal === undefined) continue;
    for (const value of parameters.all(name)) {
      if (value !== '' && !rule.legal.test(value))
        throw illegalCharacters(name, rule.range ?? rule.legal.source);
    }
  }
}
