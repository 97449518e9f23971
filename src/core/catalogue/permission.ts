/** Every permission a catalogue entry can need. Names follow Binance's own switches where it has one. */
export const PERMISSIONS = [
  'market-data',
  'read',
  'spot-margin-trade',
  'futures-trade',
  'options-trade',
  'portfolio-margin-trade',
  'equity-trade',
  'account-settings',
  'read-personal',
  'convert',
  'earn',
  'loan',
  'internal-transfer',
  'universal-transfer',
  'withdraw',
  'account-admin',
] as const;

export type Permission = (typeof PERMISSIONS)[number];

/** What a client may do whose permissions the configuration does not name. */
export const DEFAULT_PERMISSIONS: readonly Permission[] = [
  'market-data',
  'read',
  'spot-margin-trade',
  'futures-trade',
  'options-trade',
  'portfolio-margin-trade',
];

/** What the single client `default` may do, which is there when the configuration names no clients. */
export const SINGLE_CLIENT_PERMISSIONS: readonly Permission[] = [...DEFAULT_PERMISSIONS, 'account-settings'];

/** Permissions that only read: what needs one of them changes nothing that matters. */
export const READING: readonly Permission[] = ['market-data', 'read', 'read-personal'];

/** No configuration grants these: their endpoints stand on the built-in denylist. */
export const NEVER_GRANTED: readonly Permission[] = ['withdraw', 'account-admin'];
