import Type, { type Static } from 'typebox';
import { DEFAULT_PERMISSIONS, NEVER_GRANTED, PERMISSIONS } from '../../../core/catalogue/permission.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../../core/intervals.ts';
import { ApprovalSchema } from './approval-schema.ts';
import { OrderSchema } from './order-schema.ts';
import { choice, mapping, NAME_ERROR, NAME_PATTERN, SYMBOL_PATTERN, text, whole } from './schema-parts.ts';

const MOST = Number.MAX_SAFE_INTEGER;
export const DEFAULT_COUNTDOWN_MS = 2 * MINUTE_MS;

/** What is wrong with a day, as the rest of a sentence. */
export const EXPIRES_ERROR = 'must be a day of the calendar such as 2027-03-01';

const weightPerMinute = Type.Optional(
  whole(1, MOST, { description: 'Share of the IP weight per minute. Default: the whole budget.' }),
);
const requestsPerSecond = Type.Optional(whole(1, MOST, { description: 'Most requests in a second.' }));

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
    approval: Type.Optional(ApprovalSchema),
    weightPerMinute,
    requestsPerSecond,
    stopAfterRefusals: Type.Optional(
      whole(1, MOST, {
        description:
          'After so many orders in a row that Binance refused, the client may only cancel. Default: no limit.',
      }),
    ),
    expires: Type.Optional(
      text('^20[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])$', EXPIRES_ERROR, {
        description: 'From 00:00 UTC of this day the issued key is unknown, but for cancels. Default: never.',
      }),
    ),
    deadMan: Type.Optional(
      mapping(
        {
          silenceMs: whole(SECOND_MS, DAY_MS, {
            description:
              'After so long without a call, a frame or a pong the orders of the client are cancelled, in ms.',
          }),
          exchange: Type.Optional(
            Type.Boolean({
              description:
                "Beats Binance's own countdown on futures as well, which cancels all orders of the account on a symbol. Default: false.",
              default: false,
              errorMessage: 'must be true or false',
            }),
          ),
          countdownMs: Type.Optional(
            whole(10 * SECOND_MS, HOUR_MS, {
              description:
                'To what that countdown is set with each beat, in ms; it is beaten four times as often.',
              default: DEFAULT_COUNTDOWN_MS,
            }),
          ),
        },
        'Cancels the orders of the client when it falls silent. Default: off.',
      ),
    ),
    cancelOnDisconnectMs: Type.Optional(
      whole(1, HOUR_MS, {
        description:
          'So long after the last WebSocket of the client closed its orders are cancelled, in ms. Default: off.',
      }),
    ),
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
