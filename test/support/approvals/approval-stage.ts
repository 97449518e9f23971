import { approvalRecords } from '../../../src/approvals/approval-records.ts';
import { Approvals } from '../../../src/approvals/approvals.ts';
import type { Asking } from '../../../src/approvals/asking.ts';
import { Decisions } from '../../../src/approvals/decisions.ts';
import { News } from '../../../src/approvals/news.ts';
import { PasskeyChallenges } from '../../../src/approvals/passkey-challenges.ts';
import { Passkeys } from '../../../src/approvals/passkeys.ts';
import type { RedeemedApproval } from '../../../src/approvals/redeemed-approval.ts';
import { createNoAuditSink } from '../../../src/audit/no-sink.ts';
import { type AuditTrail, createAuditTrail } from '../../../src/audit/trail.ts';
import type { ApprovalRules, Client } from '../../../src/core/access/client.ts';
import { ApprovalCheck } from '../../../src/core/approvals/approval-check.ts';
import { neededByRecord } from '../../../src/core/approvals/needed-by-record.ts';
import type { Endpoint } from '../../../src/core/catalogue/endpoint.ts';
import { ProxyError } from '../../../src/core/errors.ts';
import type { AuditRecord } from '../../../src/core/records/record.ts';
import { SecretMask } from '../../../src/core/records/secret-mask.ts';
import { sentOrders } from '../../../src/core/records/sent-orders.ts';
import { createPriceBook } from '../../../src/orders/price-book.ts';
import { catalogueEndpoint, catalogueEndpoints } from '../fixtures/catalogue-endpoints.ts';
import { callOf, clientWith, type Form, MARKET_ANSWERS } from '../fixtures/order-fixtures.ts';

export const ORIGIN = 'http://localhost:8081';
const ORDER = catalogueEndpoint('POST', '/api/v3/order');
export const BUY: Form = {
  ...{ symbol: 'BTCUSDT', side: 'BUY', type: 'LIMIT', timeInForce: 'GTC' },
  ...{ quantity: '0.5', price: '100000', newClientOrderId: 'first' },
};

/** Rules that ask for everything worth more than 1000 USDT. */
export function asking(more: Partial<ApprovalRules> = {}): ApprovalRules {
  return {
    above: new Map([['USDT', '1000']]),
    permissions: new Set(),
    symbols: new Set(),
    outsideBand: false,
    quorum: 1,
    notBy: new Set(),
    holdMs: 0,
    decideMs: undefined,
    useMs: undefined,
    maxDrift: '0.01',
    ...more,
  };
}

export const BOT: Client = { ...clientWith(undefined, { name: 'bot' }), approval: asking() };

/** How a call fared. */
export type Fared =
  | { readonly passed: RedeemedApproval | undefined }
  | { readonly error: string; readonly rule: string | undefined; readonly id: string; readonly msg: string };

/** The approvals of one process, with clocks and prices that a test sets. */
export class ApprovalStage {
  nowMs = 1_800_000_000_000;
  /** What the book of BTCUSDT is multiplied by. */
  priceFactor = 1;
  /** How often the market was asked. */
  looks = 0;
  /** Whether records can be stored. */
  isStored = true;
  readonly lines: string[] = [];
  readonly trail: AuditTrail;
  approvals!: Approvals;
  decisions!: Decisions;
  passkeys!: Passkeys;
  #calls = 0;
  readonly #folder: string | undefined;

  constructor(folder?: string) {
    this.#folder = folder;
    const sink = createNoAuditSink();
    this.trail = createAuditTrail({
      sink: {
        ...sink,
        append: (timeMs, builds) => {
          if (!this.isStored) throw new ProxyError('PROXY_AUDIT_UNAVAILABLE', 'The disk is full.');
          return sink.append(timeMs, builds);
        },
      },
      log: (printed) => this.lines.push(...printed.map(({ text }) => text)),
      now: () => this.nowMs,
    });
    this.start();
  }

  /** A process begins: what an earlier one was asked is gone. */
  start(): void {
    const records = approvalRecords(this.trail);
    const priceBook = createPriceBook({
      fetchJson: async (_, path) => {
        this.looks++;
        return this.#answer(path);
      },
      now: () => this.nowMs,
      bookFreshMs: 0,
      failureFreshMs: 0,
    });
    const clocks = { monotonicNow: () => this.nowMs - 1e12, wallNow: () => this.nowMs };
    const secretMask = () => SecretMask.none;
    this.approvals = new Approvals({ priceBook, secretMask, records, news: new News(), ...clocks });
    this.passkeys = new Passkeys(this.#folder);
    const challenges = new PasskeyChallenges({ passkeys: this.passkeys, origin: () => ORIGIN, ...clocks });
    this.decisions = new Decisions({ approvals: this.approvals, records, challenges });
    this.trail.note({ event: 'proxy.started' });
  }

  /** One call up to the moment at which it could be sent. */
  async call(form: Form = BUY, client: Client = BOT, endpoint: Endpoint = ORDER): Promise<Fared> {
    const call = callOf(endpoint, form);
    try {
      const passed = await this.approvals.redeem({
        ...{
          requestId: `r-${++this.#calls}`,
          environment: 'simulator',
          client,
          account: 'main',
          endpoint,
          call,
        },
        ...{ sentOrders: sentOrders(endpoint, call), isOutsideBand: false, gone: undefined },
        untilMs: Number.POSITIVE_INFINITY,
      } satisfies Asking);
      return { passed };
    } catch (error) {
      if (!(error instanceof ProxyError)) throw error;
      return { error: error.name, rule: error.rule, id: error.approval ?? '', msg: error.message };
    }
  }

  /** A call that is sent when it may be; says how it fared, with `sent` or the name of its refusal. */
  async send(form: Form = BUY, client: Client = BOT, endpoint: Endpoint = ORDER): Promise<string> {
    const fared = await this.call(form, client, endpoint);
    if ('error' in fared) return fared.error;
    const { passed } = fared;
    using approval = passed;
    const call = callOf(endpoint, form);
    const { upstream, method, path, permission } = endpoint;
    const orders = sentOrders(endpoint, call);
    const subject = {
      requestId: `r-${this.#calls}`,
      client: client.name,
      account: 'main',
      upstream,
      method,
      path,
    };
    const signed = {
      ...({
        event: 'call.signed',
        ...subject,
        permission,
        orders: orders.length === 0 ? undefined : orders,
      } as const),
      params: orders.length > 0 ? undefined : form,
      approval: approval && { id: approval.id },
    };
    try {
      approval?.assertUsable();
      if (approval === undefined) this.trail.write(signed);
      else this.trail.write({ event: 'approval.used', ...subject, approval: approval.said }, signed);
    } catch (error) {
      if (!(error instanceof ProxyError)) throw error;
      return error.name;
    }
    approval?.spend();
    return 'sent';
  }

  approve(id: string, operator = 'alice', digest = this.digest(id)): string {
    return this.decide(id, operator, { decision: 'approve', digest });
  }

  deny(id: string, operator = 'alice'): string {
    return this.decide(id, operator, { decision: 'deny', reason: 'too much' });
  }

  /** What a decision came to: the state of its ask, or the sentence that refused it. */
  decide(
    id: string,
    operator: string,
    decision: Parameters<Decisions['decide']>[2],
    passkeyRequired = false,
  ): string {
    try {
      return this.decisions.decide({ operator, channel: 'test', passkeyRequired }, id, decision).state;
    } catch (error) {
      return (error as Error).message;
    }
  }

  digest(id: string): string {
    return this.decisions.show(id).digest;
  }

  records(...events: readonly string[]): AuditRecord[] {
    const all = this.lines.map((line) => JSON.parse(line) as AuditRecord);
    return events.length === 0 ? all : all.filter(({ event }) => events.includes(event));
  }

  /** What the records alone say is wrong. */
  problems(): string[] {
    const check = new ApprovalCheck(
      neededByRecord(({ path, method }) =>
        catalogueEndpoints().find((each) => each.path === path && each.method === method),
      ),
    );
    return this.records().flatMap((record) => check.next(record)?.message ?? []);
  }

  #answer(path: string): unknown {
    const answer = structuredClone(MARKET_ANSWERS[path]);
    if (answer === undefined) throw new Error('status 400');
    const book = answer as { bidPrice?: string; askPrice?: string };
    if (book.bidPrice === undefined) return answer;
    const scaled = (price = '0') => (Number(price) * this.priceFactor).toFixed(8);
    return { ...book, bidPrice: scaled(book.bidPrice), askPrice: scaled(book.askPrice) };
  }
}

/** The id of the ask that a call waits for. */
export function pendingId(fared: Fared): string {
  if (!('error' in fared) || fared.error !== 'PROXY_APPROVAL_PENDING')
    throw new Error(`not pending: ${JSON.stringify(fared)}`);
  return fared.id;
}
