import type { NamedCall } from '../audit/reading/earlier-calls.ts';
import { DAY_MS, HOUR_MS } from '../core/intervals.ts';
import { productOf } from '../core/limits/resting-room.ts';
import { RecentMap } from '../core/recent-map.ts';
import type { AuditRecord } from '../core/records/record.ts';
import type { SocketFamily, UpstreamName } from '../core/upstream.ts';

/** Tells other proxies of the same Redis of orders, and learns of theirs. */
export interface OrdersOfOthers {
  placed(names: readonly string[], client: string): void;
  /** Whose order of one of these names another proxy placed. @throws Error while that cannot be asked */
  placerOf(names: readonly string[]): Promise<string | undefined>;
}

/** The record of a call that names orders. */
type SignedLine = NamedCall & Pick<AuditRecord, 'params'>;

/** How often a name was sent, how many orders were taken for own ones by it, and who sent it last. */
interface Named {
  client: string | undefined;
  sent: number;
  taken: number;
}

const MOST = 100_000;
const MOST_SYMBOLS = 50;
/** TWAP and VP run for a day at most; their parts have names that Binance makes. */
const ALGO_MS = DAY_MS + HOUR_MS;
const ALGO_PATH = /^\/sapi\/v1\/algo\//;

/** The orders that came through this proxy, by their names, before they are sent, and by Binance's ids once those are told. */
export class OwnOrders {
  readonly #names = new RecentMap<string, Named>(MOST);
  /** With the client of each order, where it is known. */
  readonly #ids = new RecentMap<string, string | undefined>(MOST);
  /** Until when Binance itself places orders for an own one, by account and symbol, monotonic ms. */
  readonly #algos = new Map<string, number>();
  /** On which symbols orders were sent lately, by account and product. */
  readonly #symbols = new Map<string, Set<string>>();
  readonly #isWatched: (account: string) => boolean;
  readonly #others: OrdersOfOthers | undefined;
  readonly #monotonicNow: () => number;

  constructor(
    isWatched: (account: string) => boolean,
    others: OrdersOfOthers | undefined,
    monotonicNow: () => number,
  ) {
    this.#isWatched = isWatched;
    this.#others = others;
    this.#monotonicNow = monotonicNow;
  }

  /** Hears of each record: an order is known from the moment in which its record is stored, before its bytes leave. */
  readonly hear = (event: string, line: string): void => {
    if (event !== 'call.signed' || !line.includes('"clientOrderId":')) return;
    this.take(JSON.parse(line) as SignedLine);
  };

  take({ client, account, upstream, path = '', clientOrderId, orders, params }: SignedLine): void {
    if (account === undefined || upstream === undefined || !this.#isWatched(account)) return;
    const names = [clientOrderId ?? []].flat().map((name) => nameOf(account, name));
    for (const name of names) this.#noteName(name, client);
    this.#others?.placed(names, client ?? '');
    const family = productOf({ upstream: upstream as UpstreamName, path });
    for (const { symbol } of family === undefined ? [] : (orders ?? []))
      if (symbol !== undefined) this.#noteSymbol(`${account} ${family}`, symbol.toUpperCase());
    if (!ALGO_PATH.test(path)) return;
    const symbol = orders?.[0]?.symbol ?? params?.symbol;
    if (typeof symbol === 'string')
      this.#algos.set(`${account} ${symbol.toUpperCase()}`, this.#monotonicNow() + ALGO_MS);
  }

  /** The symbols on which orders were sent, the last ones. */
  symbolsOf(account: string, family: SocketFamily): readonly string[] {
    return [...(this.#symbols.get(`${account} ${family}`) ?? [])];
  }

  get hasOthers(): boolean {
    return this.#others !== undefined;
  }

  hasName(account: string, names: readonly string[]): boolean {
    return names.some((name) => this.#names.has(nameOf(account, name)));
  }

  /** Who sent an order of one of these names last. */
  clientOf(account: string, names: readonly string[]): string | undefined {
    return names
      .map((name) => this.#names.get(nameOf(account, name))?.client)
      .find((each) => each !== undefined);
  }

  /** Takes an order for an own one by its name: once for each time that the name was sent, so that a used one is worth nothing. */
  claim(account: string, names: readonly string[]): boolean {
    const named = names
      .map((name) => this.#names.get(nameOf(account, name)))
      .find((each) => each !== undefined);
    if (named === undefined || named.taken >= named.sent) return false;
    named.taken++;
    return true;
  }

  hasId(account: string, family: SocketFamily, symbol: string, orderId: string): boolean {
    return (
      this.#ids.has(idOf(account, family, symbol, orderId)) ||
      this.#ids.has(idOf(account, family, '', orderId))
    );
  }

  clientOfId(account: string, family: SocketFamily, symbol: string, orderId: string): string | undefined {
    return (
      this.#ids.get(idOf(account, family, symbol, orderId)) ??
      this.#ids.get(idOf(account, family, '', orderId))
    );
  }

  #noteSymbol(place: string, symbol: string): void {
    const symbols = this.#symbols.get(place) ?? new Set();
    this.#symbols.set(place, symbols);
    symbols.delete(symbol);
    symbols.add(symbol);
    const [oldest = ''] = symbols;
    if (symbols.size > MOST_SYMBOLS) symbols.delete(oldest);
  }

  #noteName(name: string, client: string | undefined): void {
    const named = this.#names.get(name) ?? { client, sent: 0, taken: 0 };
    named.client = client;
    named.sent++;
    this.#names.set(name, named);
  }

  /** @param symbol empty where it is not told beside the id */
  noteId(account: string, family: SocketFamily, symbol: string, orderId: string, client?: string): void {
    const id = idOf(account, family, symbol, orderId);
    this.#ids.set(id, client ?? this.#ids.get(id));
  }

  /** True while Binance may place parts of an own order on that symbol. */
  hasAlgo(account: string, symbol: string): boolean {
    const untilMs = this.#algos.get(`${account} ${symbol}`);
    return untilMs !== undefined && this.#monotonicNow() < untilMs;
  }

  /** Whose order it is that another proxy placed. @throws Error while that cannot be asked */
  async placerElsewhere(account: string, names: readonly string[]): Promise<string | undefined> {
    return this.#others?.placerOf(names.map((name) => nameOf(account, name)));
  }
}

function nameOf(account: string, name: string): string {
  return `${account} ${name}`;
}

function idOf(account: string, family: SocketFamily, symbol: string, orderId: string): string {
  return `${account} ${family} ${symbol} ${orderId}`;
}
