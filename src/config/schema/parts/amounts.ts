import Type from 'typebox';
import { SYMBOL_PATTERN } from './schema-parts.ts';

const MOST = Number.MAX_SAFE_INTEGER;

/** Decimal text or a whole number: a YAML number with a fraction has lost digits before it is seen. */
const amount = Type.Union(
  [
    Type.String({ pattern: '^(?=[0-9.]*[1-9])(?:0|[1-9][0-9]{0,29})(?:\\.[0-9]{1,18})?$' }),
    Type.Integer({ minimum: 1, maximum: MOST }),
  ],
  { errorMessage: 'must be a decimal number above zero, in quotes, such as "500" or "0.25"' },
);

/** Amounts by asset. */
export const amounts = (description: string) =>
  Type.Optional(
    Type.Record(Type.String({ pattern: SYMBOL_PATTERN }), amount, {
      additionalProperties: false,
      minProperties: 1,
      description,
      errorMessage: 'must be a mapping of quote assets to amounts, such as { USDT: "500" }',
      keyErrorMessage: 'is not an asset as Binance spells it, in upper case, such as USDT',
    }),
  );
