import type { Client } from '../core/access/client.ts';
import { ProxyError } from '../core/errors.ts';
import { MINUTE_MS, SECOND_MS } from '../core/intervals.ts';
import { UnknownSymbol } from '../core/orders/notional.ts';

/** So many questions in vain a client may cause in a minute, and so many at a time. */
const MOST = 10;

/** The questions about symbols that one client has caused. */
interface Asked {
  /** When those were asked that were in vain, oldest first. */
  inVain: number[];
  readonly underWay: Set<Promise<void>>;
}

/**
 * Each symbol that Binance does not have costs a question. A client that asked for several of them in a minute causes no
 * further question, or its inventions would use up what the orders of all others need.
 */
export class InventedSymbols {
  readonly #now: () => number;
  readonly #clients = new Map<string, Asked>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** @throws ProxyError PROXY_WEIGHT_EXHAUSTED instead of asking; what `ask` throws */
  async watch<T>({ name }: Client, ask: () => Promise<T>): Promise<T> {
    const asked = this.#clients.get(name) ?? { inVain: [], underWay: new Set() };
    this.#clients.set(name, asked);
    while (asked.underWay.size >= MOST) await Promise.race(asked.underWay);
    this.#assertMayAsk(asked);
    const answer = ask();
    const ended = answer.then(
      () => {},
      (error: unknown) => {
        if (error instanceof UnknownSymbol) asked.inVain.push(this.#now());
      },
    );
    asked.underWay.add(ended);
    void ended.then(() => asked.underWay.delete(ended));
    return answer;
  }

  #assertMayAsk(asked: Asked): void {
    const nowMs = this.#now();
    asked.inVain = asked.inVain.filter((timeMs) => nowMs - timeMs < MINUTE_MS);
    const [oldest] = asked.inVain;
    if (oldest === undefined || asked.inVain.length < MOST) return;
    throw new ProxyError(
      'PROXY_WEIGHT_EXHAUSTED',
      `This client has asked for ${MOST} symbols that the exchange does not have; nothing further is looked up for it now.`,
      {
        rule: 'invented symbols',
        retryAfterSeconds: Math.max(1, Math.ceil((oldest + MINUTE_MS - nowMs) / SECOND_MS)),
      },
    );
  }
}
