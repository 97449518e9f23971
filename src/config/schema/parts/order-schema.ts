import Type from 'typebox';
import { HOUR_MS } from '../../../core/intervals.ts';
import { amounts } from './amounts.ts';
import { mapping, text, whole } from './schema-parts.ts';

const MOST = Number.MAX_SAFE_INTEGER;

/** A part of a price: in percent, or as a fraction of one. */
const ratio = (description: string) =>
  Type.Optional(
    Type.Union(
      [
        Type.String({
          pattern:
            '^(?:(?=[0-9.]*[1-9])(?:0|[1-9][0-9]?)(?:\\.[0-9]{1,6})?%|(?=[0-9.]*[1-9])0\\.[0-9]{1,8})$',
        }),
        Type.Number({ exclusiveMinimum: 0, exclusiveMaximum: 1 }),
      ],
      {
        description,
        errorMessage: 'must be a percentage below 100 such as 5%, or the same as a fraction such as 0.05',
      },
    ),
  );

/** Limits on the orders of a client, under `order`. */
export const OrderSchema = mapping(
  {
    types: Type.Optional(
      Type.Array(
        text('^[A-Z][A-Z_]{1,39}$', 'must be an order type as Binance spells it, such as LIMIT_MAKER'),
        {
          minItems: 1,
          description: 'Order types that are allowed. Default: all.',
          errorMessage: 'must be a list of order types with one at least; leave it out to allow all',
        },
      ),
    ),
    maxNotional: amounts('Largest notional of one order by quote asset. Default: no limit.'),
    maxNotionalPerDay: amounts('Largest sum of notionals in 24 h by quote asset. Default: no limit.'),
    maxPerDay: Type.Optional(whole(1, MOST, { description: 'Most orders in 24 h. Default: no limit.' })),
    maxLeverage: Type.Optional(
      whole(1, MOST, { description: 'Largest leverage that may be set. Default: no limit.' }),
    ),
    priceBand: ratio(
      'How far a price may lie beyond the market on the side where it costs the client: a purchase above the ask, a sale below the bid; of a stop, beyond its own trigger. Default: no limit.',
    ),
    maxSpread: ratio(
      'How far the ask may lie above the bid for an order that names no price, such as MARKET. Default: no limit.',
    ),
    perSecond: Type.Optional(
      whole(1, MOST, { description: 'Most orders in a rolling second. Default: no limit.' }),
    ),
    perMinute: Type.Optional(
      whole(1, MOST, { description: 'Most orders in a rolling minute. Default: no limit.' }),
    ),
    repeats: Type.Optional(
      mapping(
        {
          max: whole(1, MOST, { description: 'Most equal orders in that time.' }),
          withinMs: whole(1, HOUR_MS, { description: 'The time, in ms.' }),
        },
        'Most orders with the same symbol, side, type, quantity and price. Default: no limit.',
      ),
    ),
    maxOpen: Type.Optional(
      whole(1, MOST, {
        description:
          'Most own orders that rest at the same time; needs the watch over the account. Default: no limit.',
      }),
    ),
  },
  'Limits on orders.',
);
