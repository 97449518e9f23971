/** Every permission a catalogue entry can need. Names follow Binance's own switches where it has one. */
export const PERMISSIONS = [
  'market-data',
  'read',
  'spot-margin-trade',
  'futures-trade',
  'options-trade',
  'portfolio-margin-trade',
  'convert',
  'earn',
  'loan',
  'internal-transfer',
  'universal-transfer',
  'withdraw',
  'account-admin',
] as const;

export type Permission = (typeof PERMISSIONS)[number];

/** What the single client `default` may do when the configuration names no clients. */
export const DEFAULT_PERMISSIONS: readonly Permission[] = [
  'market-data',
  'read',
  'spot-margin-trade',
  'futures-trade',
  'options-trade',
  'portfolio-margin-trade',
];

/** No configuration grants these: their endpoints stand on the built-in denylist. */
export const NEVER_GRANTED: readonly Permission[] = ['withdraw', 'account-admin'];
