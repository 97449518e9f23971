import type { WebSocketOptions } from './socket-options.ts';

/** The switches of an API key, as `GET /sapi/v1/account/apiRestrictions` names them. */
export interface ApiRestrictions {
  readonly ipRestrict: boolean;
  /** ms since the epoch */
  readonly createTime: number;
  readonly enableReading: boolean;
  readonly enableWithdrawals: boolean;
  readonly enableInternalTransfer: boolean;
  readonly enableMargin: boolean;
  readonly enableFutures: boolean;
  readonly permitsUniversalTransfer: boolean;
  readonly enableVanillaOptions: boolean;
  readonly enableFixApiTrade: boolean;
  readonly enableFixReadOnly: boolean;
  readonly enableSpotAndMarginTrading: boolean;
  readonly enablePortfolioMarginTrading: boolean;
  /** ms since the epoch; told of keys without IP restriction only. */
  readonly tradingAuthorityExpirationTime?: number | undefined;
}

/** An account with one key: exactly one of `hmacSecret` and `publicKeyPem` (Ed25519 or RSA) is given. */
export interface SimulatorAccount {
  readonly apiKey: string;
  readonly hmacSecret?: string;
  readonly publicKeyPem?: string;
  /** The key of an earlier account: this is a second key of that one. */
  readonly sameAccountAs?: string;
  readonly restrictions?: Partial<ApiRestrictions>;
  /** Spot balances by asset, decimal strings. */
  readonly balances?: Readonly<Record<string, string>>;
  /** USDT in the futures wallet, a decimal string; 10000 by default. */
  readonly futuresBalance?: string;
}

export type WeightFamily = 'spot' | 'usdm' | 'coinm' | 'options' | 'portfolio';
/** COIN-M counts with USD-M. */
export type CountedFamily = Exclude<WeightFamily, 'coinm'>;

export interface SimulatorLimits {
  /** REQUEST_WEIGHT per minute and IP; 6000, 2400, 2400, 6000. */
  readonly weightPerMinute?: Partial<Readonly<Record<CountedFamily, number>>>;
  /** Each /sapi endpoint that counts by IP has its own; 12000. */
  readonly sapiIpWeightPerMinute?: number;
  /** Each /sapi endpoint that counts by account has its own; 180000. */
  readonly sapiUidWeightPerMinute?: number;
  /** Unfilled spot orders; 100. */
  readonly ordersPer10Seconds?: number;
  /** Unfilled spot orders; 200000. */
  readonly ordersPerDay?: number;
  /** Orders on USD-M and COIN-M together, and on options; 300. */
  readonly futuresOrdersPer10Seconds?: number;
  /** Derivatives orders; 1200. */
  readonly futuresOrdersPerMinute?: number;
  /** RAW_REQUESTS of /api; 300000. */
  readonly rawRequestsPer5Minutes?: number;
  /** How many 429 answers there are in a minute before the IP is banned; 5. */
  readonly refusalsBeforeBan?: number;
  /** Length of that ban; 120000. */
  readonly banMs?: number;
}

export interface SimulatorOptions {
  readonly accounts: readonly SimulatorAccount[];
  /** 127.0.0.1 by default. */
  readonly host?: string;
  /** 0, a free one, by default. */
  readonly port?: number;
  readonly tls?: { readonly key: string; readonly cert: string };
  /** How far the exchange's clock is ahead of this machine's. */
  readonly clockOffsetMs?: number;
  readonly limits?: SimulatorLimits;
  /** False for a testnet, where every /sapi path is a 404. */
  readonly sapi?: boolean;
  /** Whether bodies of 1 KiB and more are compressed for callers that accept gzip. */
  readonly gzip?: boolean;
  /** Seed of the prices. */
  readonly seed?: number;
  /** ms between two moves of the market; 1000. With 0 it does not move. */
  readonly marketStepMs?: number;
  readonly webSocket?: WebSocketOptions;
}
