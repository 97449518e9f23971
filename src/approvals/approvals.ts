import { approvalDigest } from '../core/approvals/approval-digest.ts';
import { boundCall } from '../core/approvals/bound-call.ts';
import { driftOf } from '../core/approvals/drift.ts';
import { isNeverAsked } from '../core/approvals/why-asked.ts';
import type { ApprovalRecords } from './approval-records.ts';
import { denied, ended, pending } from './approval-refusals.ts';
import type { Ask, Clocks, Ticket } from './approval-ticket.ts';
import type { Asking } from './asking.ts';
import { type Books, type ReadAskDeps, readAsk, readBooks, valueless } from './read-ask.ts';
import { RedeemedApproval } from './redeemed-approval.ts';
import { type OwnTicket, ownTicket } from './shown-ticket.ts';
import { TicketBook } from './ticket-book.ts';

/** What a state is about: the proxy, or the account, client or symbol of that name. */
interface CoveredScope {
  readonly kind: 'proxy' | 'account' | 'client' | 'symbol';
  readonly name: string;
}

export interface ApprovalsDeps extends ReadAskDeps, Clocks {
  readonly records: ApprovalRecords;
}

/** Which calls wait for a person's yes, and which have it. */
export class Approvals {
  readonly #deps: ApprovalsDeps;
  readonly tickets: TicketBook;

  constructor(deps: ApprovalsDeps) {
    this.#deps = deps;
    this.tickets = new TicketBook(deps, (ticket) => deps.records.expired(ticket));
  }

  /**
   * Takes the yes that a call needs; undefined at once for what nobody has to say yes to.
   * @throws ProxyError (rejection) PROXY_APPROVAL_PENDING, PROXY_APPROVAL_DENIED, PROXY_ORDER_REFUSED,
   * PROXY_AUDIT_UNAVAILABLE
   */
  redeem(asking: Asking): undefined | Promise<RedeemedApproval | undefined> {
    const { client, endpoint, call } = asking;
    if (client.approval === undefined || isNeverAsked(endpoint, call)) return undefined;
    const joined = client.approval.holdMs > 0 ? undefined : this.#joinedJustNow(asking);
    if (joined === undefined) return this.#redeem(asking);
    joined.joinAgain();
    return Promise.reject(pending(joined));
  }

  /** What a client's own ask has come to; undefined for an id that is not one of its own. */
  own(id: string, client: string): OwnTicket | undefined {
    const ticket = this.tickets.find(id);
    return ticket === undefined || ticket.ask.client.name !== client ? undefined : ownTicket(ticket);
  }

  /** Ends every open ask that this is true of, with the operators that said yes to it so far. */
  voidWhere(isConcerned: (ask: Ask, approvers: ReadonlySet<string>) => boolean, reason: string): void {
    for (const ticket of this.tickets.open())
      if (isConcerned(ticket.ask, ticket.approvers)) this.#void(ticket, reason);
  }

  /** Ends every open ask that a state covers by now. */
  voidScope({ kind, name }: CoveredScope, reason: string): void {
    this.voidWhere(({ account, client, symbols }) => {
      if (kind === 'account') return account === name;
      if (kind === 'client') return client.name === name;
      return kind === 'proxy' || symbols.has(name);
    }, reason);
  }

  /** Ends what no call is using: those that wait for a decision are answered. */
  stop(reason: string): void {
    for (const ticket of this.tickets.open()) if (!ticket.isClaimed) this.#void(ticket, reason);
  }

  #joinedJustNow({ client, endpoint, call, ...scope }: Asking): Ticket | undefined {
    return this.tickets.joinedJustNow(client.name, () =>
      approvalDigest(boundCall({ ...scope, client: client.name }, endpoint, call)),
    );
  }

  async #redeem(asking: Asking): Promise<RedeemedApproval | undefined> {
    const { monotonicNow } = this.#deps;
    const arrivedMs = monotonicNow();
    const read = await readAsk(this.#deps, asking);
    const { judged, ask } = read;
    if (ask === undefined) {
      this.#deps.news.note(judged);
      return undefined;
    }
    const first = this.#find(ask, read.books, false);
    if (first instanceof RedeemedApproval) return this.#noted(first, judged);
    const holdMs = Math.min(
      (ask.client.approval?.holdMs ?? 0) - (monotonicNow() - arrivedMs),
      asking.untilMs - monotonicNow(),
    );
    if (holdMs <= 0) throw pending(first);
    await first.changed(holdMs, asking.gone);
    if (first.state === 'voided' || first.state === 'expired') throw ended(first);
    // The yes is kept for when the caller comes again.
    if (asking.gone?.aborted === true) throw pending(first);
    // What was decided meanwhile holds for the prices of now.
    const second = this.#find(ask, await readBooks(this.#deps, ask.intended, ask.client), true);
    if (second instanceof RedeemedApproval) return this.#noted(second, judged);
    throw pending(second);
  }

  #noted(redeemed: RedeemedApproval, judged: Parameters<ReadAskDeps['news']['note']>[0]): RedeemedApproval {
    this.#deps.news.note(judged);
    return redeemed;
  }

  /**
   * The yes for a call, or the ticket with which it waits for one.
   * @throws ProxyError PROXY_APPROVAL_DENIED, PROXY_ORDER_REFUSED, PROXY_AUDIT_UNAVAILABLE
   */
  #find(ask: Ask, books: Books, wasHeld: boolean): RedeemedApproval | Ticket {
    for (const ticket of this.tickets.fitting(ask)) {
      if (ticket.state === 'denied') throw denied(ticket);
      if (this.#hasDrifted(ticket, books)) {
        this.#void(ticket, 'the book moved');
        continue;
      }
      if (ticket.state === 'approved') return this.#claim(ticket, ask, wasHeld);
      ticket.join();
      return ticket;
    }
    this.tickets.assertRoom(ask);
    const ticket = this.tickets.make(ask);
    this.#deps.records.asked(ticket);
    this.tickets.enter(ticket);
    return ticket;
  }

  #claim(ticket: Ticket, { digest }: Ask, wasHeld: boolean): RedeemedApproval {
    ticket.claim();
    const keeper = {
      spent: () => {
        // What was taken back in this very moment is used all the same: the call is on its way.
        if (ticket.isOpen) this.#end(ticket, () => ticket.spend());
        else ticket.spend();
      },
      released: () => {
        ticket.unclaim();
        this.tickets.sweep();
      },
    };
    return new RedeemedApproval(ticket, keeper, { digest, claimedMs: this.#deps.wallNow(), wasHeld });
  }

  /** @throws ProxyError PROXY_ORDER_REFUSED when a book that was read for the ask cannot be read now */
  #hasDrifted({ ask }: Ticket, { middles, trouble }: Books): boolean {
    const most = ask.client.approval?.maxDrift ?? '0';
    return ask.middles.entries().some(([key, then]) => {
      const middle = middles.get(key);
      if (middle === undefined) throw valueless(trouble);
      return driftOf(then, middle).gte(most);
    });
  }

  #void(ticket: Ticket, reason: string): void {
    this.#end(ticket, () => ticket.void(reason));
    this.#deps.records.voided(ticket);
  }

  #end(ticket: Ticket, end: () => void): void {
    end();
    this.tickets.ended(ticket);
  }
}
