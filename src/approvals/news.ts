import type { JudgedCall } from '../core/approvals/why-asked.ts';
import { sumsOf } from '../core/approvals/why-asked.ts';
import type { Decimal } from '../core/decimal.ts';

interface Known {
  readonly symbols: Set<string>;
  readonly most: Map<string, Decimal>;
}

/** Of more symbols than this nobody wonders about one more. */
const MOST_SYMBOLS = 1_000;

/** What clients have done since the proxy started, to tell what is new about a call. */
export class News {
  readonly #clients = new Map<string, Known>();

  /** What this call has that none before it had, in words. */
  of(judged: JudgedCall): string[] {
    const known = this.#clients.get(judged.client.name);
    const symbols = [...symbolsOf(judged)].filter((symbol) => known?.symbols.has(symbol) !== true);
    const assets = [...(sumsOf(judged) ?? [])].filter(([asset, amount]) => {
      const most = known?.most.get(asset);
      return most !== undefined && amount.gt(most);
    });
    return [
      ...symbols.map((symbol) => `the symbol ${symbol}`),
      ...assets.map(([asset]) => `it is worth more ${asset} than any call of this client before`),
    ];
  }

  /** Notes a call that may be sent. */
  note(judged: JudgedCall): void {
    const { name } = judged.client;
    const known = this.#clients.get(name) ?? { symbols: new Set(), most: new Map() };
    this.#clients.set(name, known);
    for (const symbol of symbolsOf(judged)) if (known.symbols.size < MOST_SYMBOLS) known.symbols.add(symbol);
    for (const [asset, amount] of sumsOf(judged) ?? []) {
      const most = known.most.get(asset);
      if (most === undefined || amount.gt(most)) known.most.set(asset, amount);
    }
  }
}

function symbolsOf({ orders }: JudgedCall): ReadonlySet<string> {
  return new Set(orders.flatMap(({ symbol }) => symbol ?? []));
}
