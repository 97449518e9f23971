import {
  SOCKET_UPSTREAM_NAMES,
  type SocketUpstreamName,
  UPSTREAM_NAMES,
  type UpstreamName,
} from '../../core/upstream.ts';
import type { EnvironmentName } from './settings.ts';

export type OriginName = UpstreamName | SocketUpstreamName;

/** The hosts of one Binance environment: origins without a trailing slash, undefined where Binance has none. */
export type Origins = Readonly<Record<OriginName, string | undefined>>;

/**
 * Where each environment lives. Testnet and demo have neither /sapi nor portfolio margin; options have a known host on the
 * futures testnet only. `web` has no address unless one is configured. The simulator's is the default port of its own command.
 * @see https://developers.binance.com/docs/binance-spot-api-docs/rest-api/general-api-information
 * @see https://developers.binance.com/docs/derivatives/usds-margined-futures/general-info
 */
export const ENVIRONMENTS: Readonly<Record<EnvironmentName, Origins>> = {
  live: {
    spot: 'https://api.binance.com',
    usdm: 'https://fapi.binance.com',
    coinm: 'https://dapi.binance.com',
    options: 'https://eapi.binance.com',
    portfolio: 'https://papi.binance.com',
    web: undefined,
    spotWsApi: 'wss://ws-api.binance.com',
    spotStream: 'wss://stream.binance.com',
    usdmWsApi: 'wss://ws-fapi.binance.com',
    usdmStream: 'wss://fstream.binance.com',
    coinmWsApi: 'wss://ws-dapi.binance.com',
    coinmStream: 'wss://dstream.binance.com',
  },
  testnet: {
    spot: 'https://testnet.binance.vision',
    usdm: 'https://testnet.binancefuture.com',
    coinm: 'https://testnet.binancefuture.com',
    options: 'https://testnet.binancefuture.com',
    portfolio: undefined,
    web: undefined,
    spotWsApi: 'wss://ws-api.testnet.binance.vision',
    spotStream: 'wss://stream.testnet.binance.vision',
    usdmWsApi: 'wss://testnet.binancefuture.com',
    usdmStream: 'wss://fstream.binancefuture.com',
    coinmWsApi: 'wss://testnet.binancefuture.com',
    coinmStream: 'wss://dstream.binancefuture.com',
  },
  // Binance's demo mode has hosts of its own; the signed APIs of futures alone are those of the futures testnet.
  demo: {
    spot: 'https://demo-api.binance.com',
    usdm: 'https://demo-fapi.binance.com',
    coinm: 'https://demo-dapi.binance.com',
    options: undefined,
    portfolio: undefined,
    web: undefined,
    spotWsApi: 'wss://demo-ws-api.binance.com',
    spotStream: 'wss://demo-stream.binance.com',
    usdmWsApi: 'wss://testnet.binancefuture.com',
    usdmStream: 'wss://demo-fstream.binance.com',
    coinmWsApi: 'wss://testnet.binancefuture.com',
    coinmStream: 'wss://demo-dstream.binance.com',
  },
  simulator: {
    spot: 'http://127.0.0.1:9080',
    usdm: 'http://127.0.0.1:9080',
    coinm: 'http://127.0.0.1:9080',
    options: 'http://127.0.0.1:9080',
    portfolio: 'http://127.0.0.1:9080',
    web: undefined,
    spotWsApi: 'ws://127.0.0.1:9080',
    spotStream: 'ws://127.0.0.1:9080',
    usdmWsApi: 'ws://127.0.0.1:9080',
    usdmStream: 'ws://127.0.0.1:9080',
    coinmWsApi: 'ws://127.0.0.1:9080',
    coinmStream: 'ws://127.0.0.1:9080',
  },
};

/** All upstream keys of the configuration, REST first. */
export const ORIGIN_NAMES: readonly OriginName[] = [...UPSTREAM_NAMES, ...SOCKET_UPSTREAM_NAMES];
