import type { KeyObject } from 'node:crypto';
import type { Client } from '../../core/access/client.ts';
import type { Operator } from '../../core/access/operator.ts';
import type { DenylistEntry } from '../../core/catalogue/denylist.ts';
import type { SecretMask } from '../../core/records/secret-mask.ts';
import type { SecretText } from '../../core/records/secret-text.ts';
import type { Credential } from '../../core/signing/credential.ts';
import type { SocketUpstreamName, UpstreamName } from '../../core/upstream.ts';
import type { AccountWatch } from './watching/account-watch.ts';
import type { NoticeTarget } from './watching/notice-target.ts';
import type { WaysOut } from './ways-out.ts';

/** The files that a configuration is made of, secrets aside. */
export type ConfigFileRole = 'environment' | 'configuration' | 'denylist';

export interface ConfigFileState {
  /** The file as problems name it. */
  readonly name: string;
  /** True when it says nothing at all: no text, or comments only. */
  readonly isEmpty: boolean;
}

export type ConfigFiles = ReadonlyMap<ConfigFileRole, ConfigFileState>;

export type EnvironmentName = 'live' | 'testnet' | 'demo' | 'simulator';

/** How a client proves itself: SHA-256 of its issued key (hex) to the client. Empty: callers on loopback are `default`. */
export type ClientsByKeyDigest = ReadonlyMap<string, Client>;

/** One frozen snapshot of everything that is configured. Secrets stand in it as KeyObjects and Credentials only. */
export interface Settings {
  readonly environment: EnvironmentName;
  /** True when calls go to Binance's live exchange, by the environment or by any origin. */
  readonly isLive: boolean;
  readonly server: {
    readonly host: string;
    readonly port: number;
    readonly socket: string | undefined;
    readonly socketGroup: string | undefined;
    readonly allowedHosts: readonly string[];
    /** PEM texts with which the listener speaks TLS; undefined: plain HTTP. */
    readonly tls: { readonly cert: string; readonly key: SecretText } | undefined;
    /** The TLS listener that apps reach by the names of Binance's hosts, on the same host name or address. */
    readonly byName:
      | { readonly ports: readonly number[]; readonly cert: string; readonly key: SecretText }
      | undefined;
  };
  readonly operator: {
    readonly host: string;
    readonly port: number;
    /** Where browsers open the listener, in lower case; undefined: `http://localhost:PORT`. */
    readonly origin: string | undefined;
  };
  /** Who may act on the listener for operators, by name; none: only what is open to everybody is served. */
  readonly operators: ReadonlyMap<string, Operator>;
  /** Who is told of what an operator should know at once, by name. */
  readonly notices: ReadonlyMap<string, NoticeTarget>;
  readonly recvWindowMs: number;
  /** Origins without a trailing slash; undefined where the environment has no such host. */
  readonly upstreams: Readonly<Record<UpstreamName, string | undefined>>;
  /** Further origins for `/api`, in the order of preference; empty when spot has one. */
  readonly spotOrigins: readonly string[];
  readonly socketUpstreams: Readonly<Record<SocketUpstreamName, string | undefined>>;
  /** PEM text of an additional certificate authority for upstream TLS. */
  readonly upstreamCa: string | undefined;
  readonly keyPreflight: 'enforce' | 'warn' | 'off';
  readonly accounts: ReadonlyMap<string, Credential>;
  /** What is watched over of each account. */
  readonly accountWatches: ReadonlyMap<string, AccountWatch>;
  /** All clients by name, `anonymous` included. */
  readonly clients: ReadonlyMap<string, Client>;
  readonly clientsByKeyDigest: ClientsByKeyDigest;
  /** False refuses calls without a key even on endpoints that need none. */
  readonly anonymousEnabled: boolean;
  readonly throttle: {
    readonly reserveForOrders: number;
    readonly maxWaitMs: number;
    readonly replicas: number;
  };
  /** Which public market data clients share: by joining a call under way, and from memory by family. */
  readonly cache: {
    readonly merge: boolean;
    readonly exchangeInfo: boolean;
    readonly klines: boolean;
    readonly tickers: boolean;
    readonly depth: boolean;
  };
  /** Denylist entries added by the operator. */
  readonly denylist: readonly DenylistEntry[];
  readonly audit: {
    readonly dir: string | undefined;
    readonly key: KeyObject | undefined;
    readonly durability: 'process' | 'disk';
    readonly reserveBytes: number;
  };
  /** Where daily sums of order rules survive a restart; undefined keeps them in memory. */
  readonly stateDir: string | undefined;
  readonly redisUrl: SecretText | undefined;
  /** How calls leave this machine: `main.id` names the egress IP of this process. */
  readonly egress: WaysOut;
  readonly logLevel: string;
  /** Those that were there when this configuration was read: what a reload must find again. */
  readonly files: ConfigFiles;
  /** Whether a reload may take guards away, where this is what the process was started with. */
  readonly allowLoosening: boolean;
  /** Whether a changed secret file is read without being told, where this is what the process was started with. */
  readonly watchSecrets: boolean;
  /** The paths of the files that secrets were read from, and of the listener's certificate. */
  readonly secretFiles: readonly string[];
  /** Knows the secrets of this configuration well enough to take them out of any text. */
  readonly secretMask: SecretMask;
  /** What stops nothing but should be known, one sentence each. */
  readonly warnings: readonly string[];
}
