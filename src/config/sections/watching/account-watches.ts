import type { LayeredConfig } from '../../schema/layered-config.ts';
import { DEFAULTS } from '../../schema/schema.ts';
import type { AccountWatch } from '../../schema/watching/account-watch.ts';
import { accountNames, SINGLE_ACCOUNT } from '../accounts.ts';

const SINGLE_PREFIX = SINGLE_ACCOUNT.main.envPrefix;

/** What is watched over of each account, by name. */
export function readAccountWatches(layered: LayeredConfig): ReadonlyMap<string, AccountWatch> {
  const { accounts = {} } = layered.config;
  return new Map(
    accountNames(layered).map((name) => {
      const { envPrefix, keyMaxAgeDays, watch, onForeign } = accounts[name] ?? {};
      return [
        name,
        {
          envPrefix: envPrefix ?? SINGLE_PREFIX,
          keyMaxAgeDays: keyMaxAgeDays ?? DEFAULTS.keyMaxAgeDays,
          streams: watch ?? [],
          onForeign: onForeign ?? 'tell',
        },
      ];
    }),
  );
}
