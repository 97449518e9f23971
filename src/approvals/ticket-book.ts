import { randomBytes } from 'node:crypto';
import { isSameOrLess, isWorthNoMore } from '../core/approvals/same-or-less.ts';
import { MINUTE_MS, SECOND_MS } from '../core/intervals.ts';
import { queueFull } from './approval-refusals.ts';
import { type Ask, type Clocks, Ticket, type TicketState } from './approval-ticket.ts';

const MOST_PENDING = 50;
const MOST_PENDING_PER_CLIENT = 5;
/** How many that have ended are remembered, for their apps and for whoever looks back. */
const MOST_ENDED = 500;
/** Shorter than a book is taken to be fresh. */
const JOINED_FOR_MS = SECOND_MS / 4;
/** How long a no holds for the same or less. */
const DENIED_FOR_MS = MINUTE_MS;

/** Every ask of this process, open ones first to be found. */
export class TicketBook {
  readonly #clocks: Clocks;
  readonly #onExpired: (ticket: Ticket) => void;
  readonly #open = new Set<Ticket>();
  readonly #denied = new Set<Ticket>();
  readonly #byId = new Map<string, Ticket>();
  #ended: Ticket[] = [];

  constructor(clocks: Clocks, onExpired: (ticket: Ticket) => void) {
    this.#clocks = clocks;
    this.#onExpired = onExpired;
  }

  /** Those that wait for a yes, or have one that was not used, oldest first. */
  open(): readonly Ticket[] {
    this.sweep();
    return [...this.#open];
  }

  find(id: string): Ticket | undefined {
    this.sweep();
    return this.#byId.get(id);
  }

  /** Those that a call could use, join or is refused by, in this order. */
  fitting(ask: Ask): readonly Ticket[] {
    this.sweep();
    const fits = (ticket: Ticket) => covers(ticket.ask, ask);
    const inState = (state: TicketState) =>
      [...this.#open].filter((ticket) => ticket.state === state && !ticket.isClaimed && fits(ticket));
    const mine = (tickets: readonly Ticket[]) =>
      tickets.toSorted((left, right) => Number(isVery(right, ask)) - Number(isVery(left, ask)));
    return [...mine(inState('approved')), ...[...this.#denied].filter(fits), ...mine(inState('pending'))];
  }

  /**
   * The ticket that the very same call has joined a moment ago, where nothing else of its client can cover it: then no book was
   * read anew since, and nothing of it has to be looked at again. The digest is asked for only where there may be one.
   */
  joinedJustNow(client: string, digest: () => string): Ticket | undefined {
    const own = this.open().filter(({ ask }) => ask.client.name === client);
    const isDecided = own.some(({ state }) => state !== 'pending');
    if (own.length === 0 || isDecided || this.#denied.values().some(({ ask }) => ask.client.name === client))
      return undefined;
    const sinceMs = this.#clocks.monotonicNow() - JOINED_FOR_MS;
    const recent = own.filter(({ joinedMs }) => joinedMs >= sinceMs);
    if (recent.length === 0) return undefined;
    const sought = digest();
    return recent.find(({ ask }) => ask.digest === sought);
  }

  /** @throws ProxyError PROXY_ORDER_REFUSED when too many wait already */
  assertRoom({ client }: Ask): void {
    const waiting = this.open().filter(({ state }) => state === 'pending');
    const own = waiting.filter(({ ask }) => ask.client.name === client.name);
    if (own.length >= MOST_PENDING_PER_CLIENT) throw queueFull(client.name, 'own');
    if (waiting.length >= MOST_PENDING) throw queueFull(client.name, 'all');
  }

  /** A ticket that stands nowhere yet. */
  make(ask: Ask): Ticket {
    return new Ticket(randomBytes(8).toString('hex'), ask, this.#clocks);
  }

  enter(ticket: Ticket): void {
    this.#open.add(ticket);
    this.#byId.set(ticket.id, ticket);
  }

  /** Takes up that a ticket has ended. */
  ended(ticket: Ticket): void {
    this.#open.delete(ticket);
    if (ticket.state === 'denied') this.#denied.add(ticket);
    else ticket.forget();
    this.#ended.push(ticket);
    if (this.#ended.length <= MOST_ENDED) return;
    const [oldest, ...others] = this.#ended;
    this.#ended = others;
    if (oldest !== undefined) this.#byId.delete(oldest.id);
  }

  /** Ends what has run out of time. */
  sweep(): void {
    const nowMs = this.#clocks.monotonicNow();
    for (const ticket of this.#open) {
      if (!ticket.isOver(nowMs)) continue;
      ticket.expire();
      this.ended(ticket);
      this.#onExpired(ticket);
    }
    for (const ticket of this.#denied)
      if (nowMs - ticket.endedMs >= DENIED_FOR_MS) {
        ticket.forget();
        this.#denied.delete(ticket);
      }
  }
}

/** Whether what was asked for covers what wants to pass now. */
function covers(asked: Ask, now: Ask): boolean {
  if (asked.digest === now.digest) return true;
  if (asked.isUnvalued || now.isUnvalued) return false;
  if (!isSameOrLess(asked.bound, now.bound, asked.leniency)) return false;
  return isWorthNoMore(asked.orders, now.intended);
}

function isVery(ticket: Ticket, ask: Ask): boolean {
  return ticket.ask.digest === ask.digest;
}
