import type {
  buildConnector as BuildConnector,
  Dispatcher as DispatcherClass,
  Pool as PoolClass,
} from 'undici';
// @ts-expect-error: this file of the package has no declarations of its own; they stand in the index.
import untypedBuildConnector from 'undici/lib/core/connect.js';
// @ts-expect-error: as above.
import UntypedDispatcher from 'undici/lib/dispatcher/dispatcher.js';
// @ts-expect-error: as above.
import UntypedPool from 'undici/lib/dispatcher/pool.js';

/**
 * What of undici is used, from its own files: its index loads fetch, caches and more, which cost
 * 15 MB of memory and half of the time to start. Its classes can `dispatch`; `request`, `stream` and the like come with the index.
 */
export const Dispatcher: typeof DispatcherClass = UntypedDispatcher;
export const Pool: typeof PoolClass = UntypedPool;
export const buildConnector: typeof BuildConnector = untypedBuildConnector;
