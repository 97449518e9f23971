import type { Client } from '../core/access/client.ts';
import type { Call } from '../core/call/call.ts';
import type { Endpoint } from '../core/catalogue/endpoint.ts';
import type { ApprovalSaid } from '../core/records/approval-said.ts';
import type { SentOrder } from '../core/records/sent-orders.ts';
import type { Family } from '../shared-data/families.ts';
import type { LiveConfig } from './live-config.ts';

/** An approval as the records of a call name it. */
interface NotedApproval {
  readonly id: string;
  /** True once the record of its use stands. */
  readonly isSpent: boolean;
  readonly said: ApprovalSaid;
}

/** What is known of a call when it arrives. */
export interface ArrivedCall {
  readonly requestId: string;
  /** Monotonic ms. */
  readonly arrivedMs: number;
  /** The configuration that holds for this call from its arrival to its end. */
  readonly config: LiveConfig;
  /** The HTTP method, or the name of a frame's method. */
  readonly method: string;
  /** The client that the request proves to be; undefined when it proves nothing. */
  readonly identified: Client | undefined;
  /** What only a frame of a WebSocket has: its socket and its own id. */
  readonly detail: Readonly<Record<string, string>> | undefined;
}

/** Where the answer of a call came from that was not sent. */
export interface SharedAnswer {
  /** From a call under way, or from memory. */
  readonly how: 'merged' | 'hit';
  readonly family: Family;
  /** The call that Binance was asked by. */
  readonly of: string;
  /** How old the answer is, counted from when that call left; of what is kept only. */
  readonly ageMs?: number;
  /** What a call of its own would have cost. */
  readonly savedWeight: number;
}

/**
 * What records, metrics and answers need to know of one call. The steps of the pipeline note here what they found out;
 * they never decide by it: what a step decides by is handed to it as a value.
 */
export class CallContext implements ArrivedCall {
  readonly requestId: string;
  readonly arrivedMs: number;
  readonly config: LiveConfig;
  readonly method: string;
  readonly identified: Client | undefined;
  readonly detail: Readonly<Record<string, string>> | undefined;
  #client: Client | undefined;
  #account: string | undefined;
  #call: Call | undefined;
  #endpoint: Endpoint | undefined;
  #clientOrderIds: readonly string[] = [];
  #orders: readonly SentOrder[] = [];
  #callDigest: string | undefined;
  #approval: NotedApproval | undefined;
  #weight: number | undefined;
  #weightUsed: number | undefined;
  #waitMs: number | undefined;
  #signMs: number | undefined;
  #upstreamMs: number | undefined;
  #wasSent = false;
  #isConcluded = false;
  #shared: SharedAnswer | undefined;

  constructor(arrived: ArrivedCall) {
    this.requestId = arrived.requestId;
    this.arrivedMs = arrived.arrivedMs;
    this.config = arrived.config;
    this.method = arrived.method;
    this.identified = arrived.identified;
    this.detail = arrived.detail;
  }

  get client(): Client | undefined {
    return this.#client;
  }

  /** The account whose key the call uses; undefined where it uses none. */
  get account(): string | undefined {
    return this.#account;
  }

  get call(): Call | undefined {
    return this.#call;
  }

  get endpoint(): Endpoint | undefined {
    return this.#endpoint;
  }

  get clientOrderIds(): readonly string[] {
    return this.#clientOrderIds;
  }

  /** The orders that the call places or amends, as they will be sent; empty for any other call. */
  get orders(): readonly SentOrder[] {
    return this.#orders;
  }

  /** What a repeat of this call equals; undefined where none can be told. */
  get callDigest(): string | undefined {
    return this.#callDigest;
  }

  /** The approval that this call takes; undefined where it needs none. */
  get approval(): NotedApproval | undefined {
    return this.#approval;
  }

  /** The weight that this call has cost so far, for `x-proxy-weight`. */
  get weight(): number | undefined {
    return this.#weight;
  }

  /** The used weight that Binance reported with its answer. */
  get weightUsed(): number | undefined {
    return this.#weightUsed;
  }

  get waitMs(): number | undefined {
    return this.#waitMs;
  }

  get signMs(): number | undefined {
    return this.#signMs;
  }

  get upstreamMs(): number | undefined {
    return this.#upstreamMs;
  }

  /** True from the moment at which bytes may have left, unless it is certain that none did. */
  get wasSent(): boolean {
    return this.#wasSent;
  }

  /** True once the call has its last record. */
  get isConcluded(): boolean {
    return this.#isConcluded;
  }

  /** Set when the answer is one that another call brought. */
  get shared(): SharedAnswer | undefined {
    return this.#shared;
  }

  noteCall(call: Call): void {
    this.#call = call;
  }

  noteEndpoint(endpoint: Endpoint): void {
    this.#endpoint = endpoint;
  }

  noteCaller(client: Client, account: string | undefined): void {
    this.#client = client;
    this.#account = account;
  }

  /** The call as it will be sent, the client order ids that stand in it, and its orders one by one. */
  noteOrders(call: Call, ids: readonly string[], orders: readonly SentOrder[]): void {
    this.#call = call;
    this.#clientOrderIds = ids;
    this.#orders = orders;
  }

  noteDigest(digest: string | undefined): void {
    this.#callDigest = digest;
  }

  noteApproval(approval: NotedApproval | undefined): void {
    this.#approval = approval;
  }

  noteCharge(weight: number, waitMs: number): void {
    this.#weight = (this.#weight ?? 0) + weight;
    this.#waitMs = waitMs;
  }

  noteRefund(weight: number): void {
    const left = (this.#weight ?? 0) - weight;
    this.#weight = left > 0 ? left : undefined;
  }

  noteWeightUsed(weightUsed: number | undefined): void {
    this.#weightUsed = weightUsed;
  }

  noteSigning(tookMs: number): void {
    this.#signMs = tookMs;
  }

  /** Bytes may leave from now on. */
  noteSending(): void {
    this.#wasSent = true;
  }

  /** A sending has ended; `isSent` is false when it is certain that no byte of this call has left so far. */
  noteSent(tookMs: number, isSent: boolean): void {
    this.#upstreamMs = (this.#upstreamMs ?? 0) + tookMs;
    this.#wasSent = isSent;
  }

  /** The call costs nothing: another one's answer is its own. Undefined takes that back. */
  noteShared(shared: SharedAnswer | undefined): void {
    this.#shared = shared;
    this.#weight = shared === undefined ? undefined : 0;
  }

  noteConcluded(): void {
    this.#isConcluded = true;
  }
}
