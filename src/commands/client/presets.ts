import type { ClientEntry } from '../../config/schema/parts/client-schema.ts';
import { DAY_MS } from '../../core/intervals.ts';

/** What is advised for a kind of app. */
export interface Preset {
  /** In a few words, for who has to choose. */
  readonly summary: string;
  /** The symbols that it gets when none are named; undefined: all of them. */
  readonly symbols: readonly string[] | undefined;
  /** After so many days its key ends; undefined: never. */
  readonly expiresInDays: number | undefined;
  /** `order.maxOpen`, where its account is watched; undefined: none. */
  readonly maxOpen: number | undefined;
  /** The rest of its entry in config/proxy.yaml. */
  readonly entry: Required<Pick<ClientEntry, 'permissions' | 'requireSignature' | 'requestsPerSecond'>> &
    Required<Pick<ClientEntry, 'weightPerMinute'>> &
    Pick<ClientEntry, 'order' | 'stopAfterRefusals'>;
}

/**
 * The advised values by kind of app, in one place. Weights are shares of the 6000 a minute that an IP has on spot. An
 * agent decides by itself what it does next, so it begins with few symbols, plain orders, small sums and an end; a bot
 * trades by a program that somebody wrote; a dashboard looks.
 * @see docs/limits.md for what each limit is and why it is advised
 */
export const PRESETS = {
  agent: {
    summary: 'decides by itself: few symbols, plain orders, small sums',
    symbols: ['BTCUSDT', 'ETHUSDT'],
    expiresInDays: 90,
    maxOpen: 10,
    entry: {
      requireSignature: true,
      permissions: ['market-data', 'read', 'spot-margin-trade'],
      order: {
        types: ['LIMIT', 'LIMIT_MAKER', 'MARKET'],
        maxNotional: { USDT: '100' },
        maxNotionalPerDay: { USDT: '500' },
        maxPerDay: 50,
        maxLeverage: 3,
        priceBand: '2%',
        maxSpread: '2%',
        perSecond: 2,
        perMinute: 20,
        repeats: { max: 3, withinMs: 10_000 },
      },
      stopAfterRefusals: 10,
      weightPerMinute: 1000,
      requestsPerSecond: 5,
    },
  },
  bot: {
    summary: 'trades by a program: every order type, sums that bound a mistake',
    symbols: undefined,
    expiresInDays: undefined,
    maxOpen: 50,
    entry: {
      requireSignature: true,
      permissions: ['market-data', 'read', 'spot-margin-trade'],
      order: {
        maxNotional: { USDT: '1000' },
        maxNotionalPerDay: { USDT: '20000' },
        maxPerDay: 2000,
        maxLeverage: 5,
        priceBand: '5%',
        maxSpread: '2%',
        perSecond: 10,
        perMinute: 120,
        repeats: { max: 3, withinMs: 10_000 },
      },
      stopAfterRefusals: 10,
      weightPerMinute: 3000,
      requestsPerSecond: 20,
    },
  },
  dashboard: {
    summary: 'looks and does not trade',
    symbols: undefined,
    expiresInDays: undefined,
    maxOpen: undefined,
    entry: {
      requireSignature: false,
      permissions: ['market-data', 'read'],
      weightPerMinute: 600,
      requestsPerSecond: 5,
    },
  },
} satisfies Readonly<Record<string, Preset>>;

export type PresetName = keyof typeof PRESETS;

/** The names of the kinds of apps. */
export const PRESET_NAMES = Object.keys(PRESETS) as readonly PresetName[];

/** What an entry has when no kind of app is named. */
const PLAIN = {
  requireSignature: true,
  permissions: ['market-data', 'read', 'spot-margin-trade'],
} satisfies Partial<ClientEntry>;

/** The entry of a client in config/proxy.yaml; undefined when there is no such kind of app. */
export function entryFor(
  kind: string | undefined,
  { envPrefix, symbols }: { readonly envPrefix: string; readonly symbols: readonly string[] | undefined },
): ClientEntry | undefined {
  if (kind !== undefined && !Object.hasOwn(PRESETS, kind)) return undefined;
  const preset: Preset | undefined = kind === undefined ? undefined : PRESETS[kind as PresetName];
  const chosen = symbols ?? preset?.symbols;
  const { requireSignature, permissions, ...limits } = preset?.entry ?? PLAIN;
  return {
    account: 'main',
    envPrefix,
    requireSignature,
    permissions: [...permissions],
    ...(chosen !== undefined && { symbols: [...chosen] }),
    ...limits,
    ...(preset?.expiresInDays !== undefined && { expires: dayIn(preset.expiresInDays) }),
  };
}

/** What is advised beside the entry, as a comment; empty where nothing is. */
export function adviceFor(kind: string | undefined): string {
  const { maxOpen }: Partial<Preset> = kind === undefined ? {} : PRESETS[kind as PresetName];
  return maxOpen === undefined
    ? ''
    : `\n# With "watch: [spot]" at its account, "maxOpen: ${maxOpen}" under order is advised as well: docs/limits.md`;
}

/** A day from now, in UTC. */
function dayIn(days: number): string {
  return new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10);
}
