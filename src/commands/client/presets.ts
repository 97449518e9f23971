import type { ClientEntry } from '../../config/schema/client-schema.ts';

/** What is advised for a kind of app. */
export interface Preset {
  /** In a few words, for who has to choose. */
  readonly summary: string;
  /** The symbols that it gets when none are named; undefined: all of them. */
  readonly symbols: readonly string[] | undefined;
  /** The rest of its entry in config/proxy.yaml. */
  readonly entry: Required<Pick<ClientEntry, 'permissions' | 'requireSignature' | 'requestsPerSecond'>> &
    Required<Pick<ClientEntry, 'weightPerMinute'>> &
    Pick<ClientEntry, 'order'>;
}

/**
 * The advised values by kind of app, in one place. Weights are shares of the 6000 a minute that an IP has on spot. An
 * agent decides by itself what it does next, so it begins with few symbols, plain orders and small sums; a bot trades
 * by a program that somebody wrote; a dashboard looks.
 */
export const PRESETS = {
  agent: {
    summary: 'decides by itself: few symbols, plain orders, small sums',
    symbols: ['BTCUSDT', 'ETHUSDT'],
    entry: {
      requireSignature: true,
      permissions: ['market-data', 'read', 'spot-margin-trade'],
      order: {
        types: ['LIMIT', 'LIMIT_MAKER', 'MARKET'],
        maxNotional: { USDT: '100' },
        maxNotionalPerDay: { USDT: '500' },
        maxPerDay: 50,
      },
      weightPerMinute: 1000,
      requestsPerSecond: 5,
    },
  },
  bot: {
    summary: 'trades by a program: every order type, sums that bound a mistake',
    symbols: undefined,
    entry: {
      requireSignature: true,
      permissions: ['market-data', 'read', 'spot-margin-trade'],
      order: { maxNotional: { USDT: '1000' }, maxNotionalPerDay: { USDT: '20000' }, maxPerDay: 2000 },
      weightPerMinute: 3000,
      requestsPerSecond: 20,
    },
  },
  dashboard: {
    summary: 'looks and does not trade',
    symbols: undefined,
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
  };
}
