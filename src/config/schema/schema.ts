import Type, { type Static, type TSchema } from 'typebox';
import { SOCKET_FAMILIES } from '../../core/upstream.ts';
import { ORIGIN_NAMES } from './environments.ts';
import { ClientsSchema } from './parts/client-schema.ts';
import { EGRESS_ID_ERROR, EGRESS_ID_PATTERN, EgressSchema } from './parts/egress-schema.ts';
import { NoticesSchema } from './parts/notices-schema.ts';
import { OperatorsSchema } from './parts/operators-schema.ts';
import {
  choice,
  flag,
  mapping,
  NAME_ERROR,
  NAME_PATTERN,
  text,
  textOrList,
  whole,
} from './parts/schema-parts.ts';

/** The values that hold when neither the environment nor the file says otherwise. */
export const DEFAULTS = {
  environment: 'live',
  host: 'localhost',
  port: 8080,
  byNamePorts: [443, 9443],
  operatorHost: '127.0.0.1',
  operatorPort: 8081,
  recvWindowMs: 5000,
  reserveForOrders: 0.1,
  maxWaitMs: 0,
  replicas: 1,
  durability: 'process',
  cache: { merge: true, exchangeInfo: true, klines: false, tickers: false, depth: false },
  auditReserveMb: 64,
  keyMaxAgeDays: 90,
  egressId: 'default',
  logLevel: 'info',
} as const;

const HOST = '^[A-Za-z0-9_.:-]{1,253}$';
const HOST_ERROR = 'must be a host name or an IP address without scheme, port and brackets';

const host = (description: string, value: string) => text(HOST, HOST_ERROR, { description, default: value });
const port = (description: string, value?: number) =>
  whole(0, 65_535, {
    description: `${description} 0 takes any free port.`,
    ...(value === undefined ? {} : { default: value }),
  });
const path = (description: string) => text('^[^\\u0000]+$', 'must be a path', { description });

const origins: Record<string, TSchema> = {};
for (const name of ORIGIN_NAMES) {
  const scheme = name.endsWith('Api') || name.endsWith('Stream') ? 'wss' : 'https';
  const rule = `must be an origin such as ${scheme}://host`;
  origins[name] = Type.Optional(
    name === 'spot'
      ? textOrList(
          '^\\S+$',
          rule,
          "Origin in place of spot's own, or a list of them: all serve /api, the first one /sapi too.",
        )
      : text('^\\S+$', rule, { description: `Origin in place of ${name}'s own.` }),
  );
}

const ServerSchema = mapping(
  {
    host: Type.Optional(host('Where apps connect; localhost means 127.0.0.1 and ::1.', DEFAULTS.host)),
    port: Type.Optional(port('Port for apps.', DEFAULTS.port)),
    socket: Type.Optional(
      text(
        '^[^\\u0000]{1,103}$',
        'must be a path of at most 103 characters, which is what Unix sockets allow',
        {
          description: 'Path of a Unix socket (mode 0600) instead of host and port.',
        },
      ),
    ),
    socketGroup: Type.Optional(
      text('^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}$', 'must be the name or number of a group', {
        description: 'Group that may use the socket.',
      }),
    ),
    allowedHosts: Type.Optional(
      Type.Array(text(HOST, HOST_ERROR), {
        description: 'Further Host names that are accepted.',
        default: [],
        errorMessage: 'must be a list of host names',
      }),
    ),
    tls: Type.Optional(
      mapping(
        {
          certFile: Type.Optional(path('PEM file with the certificate, and the chain behind it.')),
          keyFile: Type.Optional(path('PEM file with its private key.')),
        },
        'TLS for the listener for apps; read again on SIGHUP.',
      ),
    ),
    byName: Type.Optional(
      mapping(
        {
          ports: Type.Optional(
            Type.Array(port('One of its ports.'), {
              minItems: 1,
              maxItems: 8,
              uniqueItems: true,
              description: 'Its ports; Binance has its spot streams on 9443 too.',
              default: [...DEFAULTS.byNamePorts],
              errorMessage: 'must be a list of ports',
            }),
          ),
          certFile: Type.Optional(path('PEM file with a certificate for the names of Binance.')),
          keyFile: Type.Optional(path('PEM file with its private key.')),
        },
        "A TLS listener for apps that call Binance's own names; `certificate new` makes the files.",
      ),
    ),
  },
  'The listener for apps.',
);

const AuditSchema = mapping(
  {
    dir: Type.Optional(path('Folder for the audit files; without it the records go to stdout only.')),
    durability: Type.Optional(
      choice(['process', 'disk'], {
        description:
          'process: survives a kill of the proxy; disk: a synchronous write per record, survives a power cut.',
        default: DEFAULTS.durability,
      }),
    ),
    reserveMb: Type.Optional(
      whole(0, 1_000_000_000, {
        description:
          'MB of its disk that are kept for the records of orders and cancels; under it reads are refused.',
        default: DEFAULTS.auditReserveMb,
      }),
    ),
  },
  'The audit trail.',
);

const ThrottleSchema = mapping(
  {
    reserveForOrders: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 0.5,
        description: 'Share of every budget that is kept for orders and cancels.',
        default: DEFAULTS.reserveForOrders,
        errorMessage: 'must be a number from 0 to 0.5',
      }),
    ),
    maxWaitMs: Type.Optional(
      whole(0, 60_000, {
        description: 'Longest time in ms that a read may wait for budget; orders never wait.',
        default: DEFAULTS.maxWaitMs,
      }),
    ),
    replicas: Type.Optional(
      whole(1, 10_000, {
        description:
          'At least so many proxies share the Redis; they count themselves. While Redis is away each uses its part of the limits.',
        default: DEFAULTS.replicas,
      }),
    ),
  },
  'The budgets.',
);

const CacheSchema = mapping(
  {
    merge: Type.Optional(
      flag('Equal public GETs under way share one call of Binance.', DEFAULTS.cache.merge),
    ),
    exchangeInfo: Type.Optional(
      flag('exchangeInfo and executionRules are kept for 60 s.', DEFAULTS.cache.exchangeInfo),
    ),
    klines: Type.Optional(
      flag('Candles are kept for 1 s at the most, never across a close.', DEFAULTS.cache.klines),
    ),
    tickers: Type.Optional(
      flag('Tickers are kept for 250 ms, bookTicker and premiumIndex for 1 s.', DEFAULTS.cache.tickers),
    ),
    depth: Type.Optional(flag('Order books are kept for 100 ms.', DEFAULTS.cache.depth)),
  },
  'Public market data that clients share.',
);

/** The YAML file; `errorMessage` is the end of the sentence that a wrong value gets, here and in editors. */
export const ConfigSchema = mapping(
  {
    environment: Type.Optional(
      choice(['live', 'testnet', 'demo', 'simulator'], {
        description: 'Which Binance: its hosts and, by that, the kind of key.',
        default: DEFAULTS.environment,
      }),
    ),
    server: Type.Optional(ServerSchema),
    operator: Type.Optional(
      mapping(
        {
          host: Type.Optional(host('Where health and metrics are served.', DEFAULTS.operatorHost)),
          port: Type.Optional(port('Port for operators.', DEFAULTS.operatorPort)),
          origin: Type.Optional(
            text('^https?://[^/\\s]+$', 'must be an origin such as https://proxy.example', {
              description: 'Where browsers open the listener, when that is not http://localhost:PORT.',
            }),
          ),
        },
        'The listener for operators.',
      ),
    ),
    operators: Type.Optional(OperatorsSchema),
    notices: Type.Optional(NoticesSchema),
    recvWindowMs: Type.Optional(
      whole(1, 60_000, {
        description: 'recvWindow in ms that is injected, and the largest that a client may ask for.',
        default: DEFAULTS.recvWindowMs,
      }),
    ),
    upstreams: Type.Optional(
      Type.Unsafe<Readonly<Record<string, string | readonly string[] | undefined>>>(
        mapping(
          origins,
          'Origins in place of those of the environment; http and ws to a loopback address only.',
        ),
      ),
    ),
    upstreamCaFile: Type.Optional(path('PEM file with a further certificate authority for upstream TLS.')),
    keyPreflight: Type.Optional(
      choice(['enforce', 'warn', 'off'], {
        description: 'What a key with dangerous permissions does. Default: enforce on live, else off.',
      }),
    ),
    accounts: Type.Optional(
      Type.Record(
        Type.String({ pattern: NAME_PATTERN }),
        mapping(
          {
            envPrefix: text('^[A-Z][A-Z0-9_]{0,79}$', 'must be an upper-case name such as BINANCE_HEDGE', {
              description: 'Reads <envPrefix>_API_KEY and <envPrefix>_API_SECRET or <envPrefix>_PRIVATE_KEY.',
            }),
            egress: Type.Optional(EgressSchema),
            watch: Type.Optional(
              Type.Array(choice(SOCKET_FAMILIES, {}), {
                uniqueItems: true,
                description: 'Products whose orders are watched: docs/watch.md.',
                default: [],
                errorMessage: 'must be a list of spot, usdm, coinm',
              }),
            ),
            onForeign: Type.Optional(
              choice(['tell', 'cancel-only'], {
                description: 'What a foreign order does beside being told.',
                default: 'tell',
              }),
            ),
            keyMaxAgeDays: Type.Optional(
              whole(1, 3_650, {
                description: 'From so many days on the key is called old, and operators are told.',
                default: DEFAULTS.keyMaxAgeDays,
              }),
            ),
          },
          'A Binance key.',
        ),
        {
          additionalProperties: false,
          minProperties: 1,
          description: 'Binance keys by name. Default: main, with envPrefix BINANCE.',
          errorMessage: 'must be a mapping of account names to accounts, with one at least',
          keyErrorMessage: NAME_ERROR,
        },
      ),
    ),
    clients: Type.Optional(ClientsSchema),
    throttle: Type.Optional(ThrottleSchema),
    cache: Type.Optional(CacheSchema),
    denylist: Type.Optional(
      path('YAML file with further denylist entries. Default: config/denylist.yaml if it exists.'),
    ),
    audit: Type.Optional(AuditSchema),
    stateDir: Type.Optional(path('Folder where daily sums of order rules survive a restart.')),
    egress: Type.Optional(EgressSchema),
    egressId: Type.Optional(
      text(EGRESS_ID_PATTERN, EGRESS_ID_ERROR, {
        description: 'Name of the egress IP that this process shares with others.',
        default: DEFAULTS.egressId,
      }),
    ),
    logLevel: Type.Optional(
      choice(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
        description: 'pino level.',
        default: DEFAULTS.logLevel,
      }),
    ),
  },
  'Configuration of binance-signing-proxy. Secrets never stand in this file.',
);

/** The content of the YAML file once it has been checked. */
export type ConfigFile = Static<typeof ConfigSchema>;
