import Type, { type Static } from 'typebox';
import { NEVER_GRANTED, PERMISSIONS, READING } from '../../../core/catalogue/permission.ts';
import { DAY_MS, MINUTE_MS, SECOND_MS } from '../../../core/intervals.ts';
import { amounts } from './amounts.ts';
import { choice, mapping, NAME_ERROR, NAME_PATTERN, SYMBOL_PATTERN, text, whole } from './schema-parts.ts';

/** A quote to convert lives seconds, so that nobody could say yes to it in time. */
const ASKABLE = PERMISSIONS.filter(
  (permission) =>
    permission !== 'convert' && !NEVER_GRANTED.includes(permission) && !READING.includes(permission),
);

const PERMISSION_ERROR = `must be one of: ${ASKABLE.join(', ')} (not convert: a quote lives seconds; what only reads is never asked for)`;

/** Per cent from 0.1 to 20, with two decimals at the most. */
const DRIFT_PATTERN =
  '^(?:0\\.[1-9][0-9]?|[1-9](?:\\.[0-9]{1,2})?|1[0-9](?:\\.[0-9]{1,2})?|20(?:\\.0{1,2})?)%$';

const list = (items: ReturnType<typeof text>, description: string, errorMessage: string) =>
  Type.Optional(Type.Array(items, { description, errorMessage }));

/** What of a client's calls waits for an operator's yes. */
export const ApprovalSchema = mapping(
  {
    above: amounts(
      'By asset: orders and transfers worth more are asked for, and all in an asset that is not named. Default: none is asked for its worth.',
    ),
    permissions: Type.Optional(
      Type.Array(choice(ASKABLE, { errorMessage: PERMISSION_ERROR }), {
        description: 'Calls that need one of these are always asked for.',
        errorMessage: 'must be a list of permissions',
      }),
    ),
    symbols: list(
      text(SYMBOL_PATTERN, 'must be a symbol as Binance spells it, in upper case, such as BTCUSDT'),
      'Calls that name one of these are always asked for.',
      'must be a list of symbols',
    ),
    outsideBand: Type.Optional(
      Type.Boolean({
        description: 'true asks for orders that order.priceBand would refuse.',
        default: false,
        errorMessage: 'must be true or false',
      }),
    ),
    quorum: Type.Optional(whole(1, 3, { description: 'How many operators have to say yes.', default: 1 })),
    notBy: list(
      text(NAME_PATTERN, NAME_ERROR),
      'Operators whose yes does not count.',
      'must be a list of operators',
    ),
    holdMs: Type.Optional(
      whole(0, 30 * SECOND_MS, {
        description: 'How long a call waits for the decision before it is answered, in ms.',
        default: 0,
      }),
    ),
    decideMs: Type.Optional(
      whole(30 * SECOND_MS, DAY_MS, {
        description: 'How long a decision may take, in ms. Default: 180000 for orders, 900000 for transfers.',
      }),
    ),
    useMs: Type.Optional(
      whole(5 * SECOND_MS, 15 * MINUTE_MS, {
        description: 'How long a yes can be used, in ms. Default: 60000 for orders, 600000 for transfers.',
      }),
    ),
    maxDrift: Type.Optional(
      text(DRIFT_PATTERN, 'must be per cent from 0.1% to 20%, such as 1%', {
        description: 'A move of the book that ends an approval.',
        default: '1%',
      }),
    ),
  },
  "Calls that wait for an operator's yes.",
);

export type ApprovalEntry = Static<typeof ApprovalSchema>;
