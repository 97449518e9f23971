import Type, { type Static } from 'typebox';
import { DEFAULT_PERMISSIONS, NEVER_GRANTED, PERMISSIONS } from '../../core/catalogue/permission.ts';
import { choice, mapping, NAME_ERROR, NAME_PATTERN, SYMBOL_PATTERN, text, whole } from './schema-parts.ts';

const MOST = Number.MAX_SAFE_INTEGER;

const weightPerMinute = Type.Optional(
  whole(1, MOST, { description: 'Share of the IP weight per minute. Default: the whole budget.' }),
);
const requestsPerSecond = Type.Optional(whole(1, MOST, { description: 'Most requests in a second.' }));

/** Decimal text or a whole number: a YAML number with a fraction has lost digits before it is seen. */
const amount = Type.Union(
  [
    Type.String({ pattern: '^(?=[0-9.]*[1-9])(?:0|[1-9][0-9]{0,29})(?:\\.[0-9]{1,18})?$' }),
    Type.Integer({ minimum: 1, maximum: MOST }),
  ],
  { errorMessage: 'must be a decimal number above zero, in quotes, such as "500" or "0.25"' },
);

const amounts = (description: string) =>
  Type.Optional(
    Type.Record(Type.String({ pattern: SYMBOL_PATTERN }), amount, {
      additionalProperties: false,
      minProperties: 1,
      description,
      errorMessage: 'must be a mapping of quote assets to amounts, such as { USDT: "500" }',
      keyErrorMessage: 'is not an asset as Binance spells it, in upper case, such as USDT',
    }),
  );

const OrderSchema = mapping(
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
  },
  'Limits on orders.',
);

const GRANTABLE = PERMISSIONS.filter((permission) => !NEVER_GRANTED.includes(permission));

const ClientSchema = mapping(
  {
    account: Type.Optional(
      text(NAME_PATTERN, 'must be the name of an account', {
        description: 'Account whose key signs. Default: the only account.',
      }),
    ),
    envPrefix: text('^[A-Z][A-Z0-9_]{0,79}$', 'must be an upper-case name such as GRID_BOT', {
      description:
        'Reads <envPrefix>_CLIENT_KEY and, optional, <envPrefix>_CLIENT_SECRET and <envPrefix>_CLIENT_PUBLIC_KEY.',
    }),
    requireSignature: Type.Optional(
      Type.Boolean({
        description: "Refuses what is not signed with the issued secret or the app's own key.",
        default: false,
        errorMessage: 'must be true or false',
      }),
    ),
    permissions: Type.Optional(
      Type.Array(choice(GRANTABLE, {}), {
        minItems: 1,
        description: `What the client may do. Default: ${DEFAULT_PERMISSIONS.join(', ')}.`,
        errorMessage: 'must be a list of permissions with one at least',
      }),
    ),
    symbols: Type.Optional(
      Type.Array(
        text(SYMBOL_PATTERN, 'must be a symbol as Binance spells it, in upper case, such as BTCUSDT'),
        {
          minItems: 1,
          description:
            'Symbols that orders and other changing calls may name; cancels may name any. Default: all.',
          errorMessage: 'must be a list of symbols with one at least; leave it out to allow all',
        },
      ),
    ),
    order: Type.Optional(OrderSchema),
    weightPerMinute,
    requestsPerSecond,
    policy: Type.Optional(
      mapping(
        {
          mode: Type.Optional(
            choice(['enforce', 'report'], {
              description: 'report lets pass and logs what permissions and order rules would have refused.',
              default: 'enforce',
            }),
          ),
        },
        'How the rules are applied.',
      ),
    ),
  },
  'An app that calls the proxy.',
);

const AnonymousSchema = mapping(
  {
    enabled: Type.Optional(
      Type.Boolean({
        description: 'false refuses calls without a key also where Binance needs none.',
        default: true,
        errorMessage: 'must be true or false',
      }),
    ),
    weightPerMinute,
    requestsPerSecond,
  },
  'Calls without a key, to endpoints that need none.',
);

/** One entry under `clients`; of `anonymous` only what {@link AnonymousSchema} names can be there. */
export type ClientEntry = Static<typeof ClientSchema> & Static<typeof AnonymousSchema>;

/** All clients by name; the name `anonymous` has a schema of its own. */
export const ClientsSchema = Type.Unsafe<Readonly<Record<string, ClientEntry>>>(
  Type.Object(
    { anonymous: Type.Optional(AnonymousSchema) },
    {
      patternProperties: { [NAME_PATTERN.replace('^', '^(?!anonymous$)')]: ClientSchema },
      additionalProperties: false,
      description: 'Apps by name. Default: one client named default.',
      errorMessage: 'must be a mapping of client names to clients',
      keyErrorMessage: NAME_ERROR,
    },
  ),
);
