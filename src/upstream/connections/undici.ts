/**
 * What of undici is used, from its own files: its index loads fetch, caches and more, which cost 15 MB of memory and half
 * of the time to start. These classes can `dispatch`; `request`, `stream` and the like come with the index.
 */
export { default as buildConnector } from 'undici/lib/core/connect.js';
export { default as Dispatcher } from 'undici/lib/dispatcher/dispatcher.js';
export { default as Pool } from 'undici/lib/dispatcher/pool.js';
