import type { KeyObject } from 'node:crypto';
import type { Permission } from '../catalogue/permission.ts';

/** Limits on the orders that a client may place. Amounts are decimal strings in units of the quote asset. */
export interface OrderRules {
  readonly types?: ReadonlySet<string>;
  /** Largest notional of one order by quote asset. */
  readonly maxNotional?: ReadonlyMap<string, string>;
  /** Largest sum of notionals in a rolling 24 h by quote asset. */
  readonly maxNotionalPerDay?: ReadonlyMap<string, string>;
  /** Most orders in a rolling 24 h. */
  readonly maxPerDay?: number;
  /** Largest leverage that it may set. */
  readonly maxLeverage?: number;
  /** How far beyond the market a price may lie on the side where it costs its client, as a fraction. */
  readonly priceBand?: string;
  /** How far ask and bid may lie apart for an order that names no price, as a fraction of the bid. */
  readonly maxSpread?: string;
  /** Most orders in a rolling second, and in a rolling minute. */
  readonly perSecond?: number;
  readonly perMinute?: number;
  readonly repeats?: RepeatRule;
  /** Most orders that rest at the same time. */
  readonly maxOpen?: number;
}

/** How often equal orders may be placed. */
export interface RepeatRule {
  readonly max: number;
  readonly withinMs: number;
}

/** Which calls of a client wait for a person's yes, and how that yes is given. Amounts are decimal strings. */
export interface ApprovalRules {
  /** By asset: what is worth more is asked for, and whatever is worth something in an asset that is not named. */
  readonly above: ReadonlyMap<string, string> | undefined;
  /** Calls that need one of these are asked for always. */
  readonly permissions: ReadonlySet<Permission>;
  /** Calls that name one of these are asked for always. */
  readonly symbols: ReadonlySet<string>;
  /** Whether what the price band would refuse is asked for instead. */
  readonly outsideBand: boolean;
  /** How many operators have to say yes. */
  readonly quorum: number;
  /** Operators whose yes does not count. */
  readonly notBy: ReadonlySet<string>;
  /** How long a call waits for the decision before it is answered. */
  readonly holdMs: number;
  /** How long a decision may take; undefined: by the kind of call. */
  readonly decideMs: number | undefined;
  /** How long a yes can be used; undefined: by the kind of call. */
  readonly useMs: number | undefined;
  /** The move of the book that ends an approval, as a fraction: 0.01 is one per cent. */
  readonly maxDrift: string;
}

/** When a client counts as dead. */
interface DeadManRule {
  readonly silenceMs: number;
  /** True when Binance's own countdown on futures is beaten as well. */
  readonly exchange: boolean;
  /** What that is set to with each beat. */
  readonly countdownMs: number;
}

/** An app that calls the proxy. `anonymous` stands for every caller of an endpoint that needs no key. */
export interface Client {
  readonly name: string;
  /** Name of the account whose credential signs for this client. */
  readonly account: string;
  /** HMAC secret that was issued to the client together with its key. */
  readonly secret: KeyObject | undefined;
  /** The public half of a key pair of the client's own, Ed25519 or RSA: only the client can sign with the other half. */
  readonly publicKey: KeyObject | undefined;
  readonly requireSignature: boolean;
  readonly permissions: ReadonlySet<Permission>;
  /** Symbols its changing calls may name; undefined means all. */
  readonly symbols: ReadonlySet<string> | undefined;
  readonly order: OrderRules | undefined;
  /** Undefined: nothing is asked for. */
  readonly approval: ApprovalRules | undefined;
  /** Share of the IP weight per minute; undefined means the whole budget. */
  readonly weightPerMinute: number | undefined;
  readonly requestsPerSecond: number | undefined;
  /** After so many orders in a row that Binance refused, it may only cancel. */
  readonly stopAfterRefusals: number | undefined;
  /** From this moment of server time on, ms, its key is unknown, but for cancels. */
  readonly expiresMs: number | undefined;
  /** Its silence cancels its orders. */
  readonly deadMan?: DeadManRule | undefined;
  /** So long after the last of its sockets closed its orders are cancelled. */
  readonly cancelOnDisconnectMs?: number | undefined;
  /** `report` lets pass and logs what permissions and order rules would have refused; the denylist holds all the same. */
  readonly policyMode: 'enforce' | 'report';
}

/** The name of the client that stands for everybody without a key. */
export const ANONYMOUS = 'anonymous';

/** The keys that verify the client's own signatures, any of them; none for a client whose signatures count for nothing. */
export function verifyingKeys({ secret, publicKey }: Client): readonly KeyObject[] {
  return [secret, publicKey].filter((key) => key !== undefined);
}

/** The name under which the proxy's own calls stand in budgets and records. */
export const PROXY_CLIENT: Client = Object.freeze({
  name: 'proxy',
  account: '',
  secret: undefined,
  publicKey: undefined,
  requireSignature: false,
  permissions: new Set(['market-data', 'read'] as const),
  symbols: undefined,
  order: undefined,
  approval: undefined,
  weightPerMinute: undefined,
  requestsPerSecond: undefined,
  stopAfterRefusals: undefined,
  expiresMs: undefined,
  deadMan: undefined,
  cancelOnDisconnectMs: undefined,
  policyMode: 'enforce',
});
