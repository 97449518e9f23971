import Type, { type TProperties } from 'typebox';

/** Names of accounts and clients. */
export const NAME_PATTERN = '^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$';
export const NAME_ERROR = 'is not a name: use up to 64 letters, digits, dots, hyphens and underscores';

/** Spelling of symbols and assets: no ASCII letter in lower case, no space, no invisible character. */
export const SYMBOL_PATTERN =
  '^(?:[A-Z0-9_.-]|[^\\u0000-\\u009f\\s\\u200b-\\u200f\\u2028-\\u202e\\ufeff]){1,64}$';

interface Annotations<T> {
  readonly description?: string;
  readonly default?: T;
}

export function text(pattern: string, errorMessage: string, annotations: Annotations<string> = {}) {
  return Type.String({ pattern, errorMessage, ...annotations });
}

export function whole(minimum: number, maximum: number, annotations: Annotations<number>) {
  const range =
    maximum === Number.MAX_SAFE_INTEGER ? `of at least ${minimum}` : `from ${minimum} to ${maximum}`;
  return Type.Integer({ minimum, maximum, errorMessage: `must be a whole number ${range}`, ...annotations });
}

export function choice<const T extends string>(
  values: readonly T[],
  annotations: Annotations<T> & { readonly errorMessage?: string },
) {
  return Type.Enum([...values], { errorMessage: `must be one of: ${values.join(', ')}`, ...annotations });
}

export function flag(description: string, fallback: boolean) {
  return Type.Boolean({ description, default: fallback, errorMessage: 'must be true or false' });
}

/** An object without further keys. */
export function mapping<T extends TProperties>(properties: T, description: string) {
  return Type.Object(properties, {
    additionalProperties: false,
    description,
    errorMessage: 'must be a mapping of keys to values',
  });
}

/** One text, or a list of such with one at least. */
export function textOrList(pattern: string, errorMessage: string, description: string) {
  return Type.Unsafe<string | readonly string[]>({
    type: ['string', 'array'],
    pattern,
    minItems: 1,
    items: { type: 'string', pattern, errorMessage },
    description,
    errorMessage,
  });
}
