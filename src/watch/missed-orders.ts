import type { SocketFamily } from '../core/upstream.ts';
import {
  type ConditionalReport,
  type OrderReport,
  readConditionalList,
  readOrderList,
} from './watch-event.ts';

/** One signed GET of the proxy's own; rejects when no whole answer came. */
export type AskOrders = (
  account: string,
  family: SocketFamily,
  target: string,
) => Promise<{ readonly status: number; readonly text: string }>;

const BASES: Readonly<Record<SocketFamily, string>> = {
  spot: '/api/v3',
  usdm: '/fapi/v1',
  coinm: '/dapi/v1',
};
/** The most that an answer holds: where it is full there may be more. */
const PAGE = 1_000;
const MOST_PAGES = 50;

/** What an account tells of its orders when it is asked. */
export class MissedOrders {
  readonly #ask: AskOrders;

  constructor(ask: AskOrders) {
    this.#ask = ask;
  }

  /** What stands on the books. @throws Error when the answer is none */
  async standing(account: string, family: SocketFamily): Promise<readonly OrderReport[]> {
    return readOrderList(family, await this.#text(account, family, '/openOrders'));
  }

  /** The conditional orders that wait; undefined where there are none of such, or the account may not see them. */
  async conditional(
    account: string,
    family: SocketFamily,
  ): Promise<readonly ConditionalReport[] | undefined> {
    if (family === 'spot') return undefined;
    const { status, text } = await this.#ask(account, family, `${BASES[family]}/openAlgoOrders`);
    return status === 200 ? readConditionalList(text) : undefined;
  }

  /** Every order on a symbol since then, whatever became of it. @throws Error when an answer is none */
  async *since(
    account: string,
    family: SocketFamily,
    symbol: string,
    sinceMs: number,
  ): AsyncGenerator<OrderReport> {
    let fromMs = Math.floor(sinceMs);
    for (let page = 0; page < MOST_PAGES; page++) {
      const query = `?symbol=${encodeURIComponent(symbol)}&startTime=${fromMs}&limit=${PAGE}`;
      const orders = readOrderList(family, await this.#text(account, family, `/allOrders${query}`));
      yield* orders;
      const lastMs = Math.max(...orders.map(({ placedMs = 0 }) => placedMs));
      if (orders.length < PAGE || lastMs <= fromMs) return;
      fromMs = lastMs;
    }
  }

  async #text(account: string, family: SocketFamily, path: string): Promise<string> {
    const { status, text } = await this.#ask(account, family, `${BASES[family]}${path}`);
    if (status !== 200) throw new Error(`Binance answered the question for orders with status ${status}.`);
    return text;
  }
}
