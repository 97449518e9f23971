import { isDeepStrictEqual } from 'node:util';
import type { SecretText } from '../../core/records/secret-text.ts';

/** How calls leave this machine. */
export interface WayOut {
  /** Whose way it is; undefined for the top-level one. */
  readonly account: string | undefined;
  /** The setting that says so, as sentences name it; the address of a proxy is never named. */
  readonly setting: string;
  /** Names the IP that Binance sees: equal names share what Binance counts by IP. */
  readonly id: string;
  /** URL of an HTTP, HTTPS or SOCKS5 proxy; undefined connects directly. */
  readonly proxy: SecretText | undefined;
  /** The address of this machine that connections come from. */
  readonly localAddress: string | undefined;
}

export interface WaysOut {
  /** The way of everything but the calls of accounts that have one of their own. */
  readonly main: WayOut;
  readonly accounts: ReadonlyMap<string, WayOut>;
}

/** The way of calls that use an account's key; without an account, of public calls. */
export function wayOf({ main, accounts }: WaysOut, account: string | undefined): WayOut {
  return (account === undefined ? undefined : accounts.get(account)) ?? main;
}

/** Whether connections are made as if nothing was said about them. */
export function isDirect({ proxy, localAddress }: WayOut): boolean {
  return proxy === undefined && localAddress === undefined;
}

/** The id under which a way counts by IP; undefined for that of the whole process. */
export function ownEgressId({ main }: WaysOut, { id }: WayOut): string | undefined {
  return id === main.id ? undefined : id;
}

/** Whether two ways lead over the same addresses, whatever they are called. */
export function isSameRoute(one: WayOut, other: WayOut): boolean {
  return one.localAddress === other.localAddress && one.proxy?.reveal() === other.proxy?.reveal();
}

/** Whether two configurations send everything the same way. */
export function areSameWays(one: WaysOut, other: WaysOut): boolean {
  return isDeepStrictEqual(revealedWays(one), revealedWays(other));
}

/** What of it can change while the proxy runs, for comparisons only: addresses stand in it as they are. */
export function revealedWays({ main, accounts }: WaysOut): unknown {
  const revealed = ({ proxy, localAddress }: WayOut) => [proxy?.reveal(), localAddress];
  return [revealed(main), ...Array.from(accounts, ([name, way]) => [name, way.id, ...revealed(way)])];
}
