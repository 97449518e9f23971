import type { Settings } from '../../config/schema/settings.ts';
import { ProxyError } from '../../core/errors.ts';
import { productOf } from '../../core/limits/resting-room.ts';
import { readOrderAnswer } from '../../core/outcome/order-answer.ts';
import type { UpstreamName } from '../../core/upstream.ts';
import type { RestingOrders } from '../../orders/resting/resting-orders.ts';
import type { KnownOrders } from '../known-orders.ts';
import type { CancelWork } from './cancel-work.ts';
import { OPEN_BOOKS, type OpenBook } from './open-books.ts';
import { type OpenOrder, readOpenOrders } from './open-orders.ts';
import { placersOf } from './recorded-orders.ts';

/** One call of the proxy's own. Rejects when nothing came back. */
export type CancelPort = (call: {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly upstream: UpstreamName;
  readonly path: string;
  readonly params: readonly (readonly [name: string, value: string])[];
  readonly account: string;
  /** The client whose orders it is about, where it is one's. */
  readonly client: string | undefined;
}) => Promise<{ readonly status: number; readonly bodyText: string }>;

/** What still rests, or could not be looked at. */
export interface LeftOrder {
  readonly account: string;
  readonly market: string;
  readonly symbol?: string;
  readonly orderId?: string;
  readonly clientOrderId?: string;
  readonly why: string;
}

export interface RoundDeps {
  readonly ask: CancelPort;
  readonly settings: () => Settings;
  readonly known: KnownOrders;
  /** What rests on the accounts that are watched. */
  readonly resting: Pick<RestingOrders, 'find'>;
}

/** What one look at everything that rests has done. */
export interface RoundEnd {
  readonly cancelled: number;
  readonly left: readonly LeftOrder[];
  /** True when nothing was open any more, and every market said so. */
  readonly isClean: boolean;
}

const AT_ONCE = 5;
/** Binance's words for an order that does not rest any more. */
const GONE: ReadonlySet<number | undefined> = new Set([-2011, -2013]);
/** Not the answer to what was asked, but that it was asked at the wrong moment. */
const PASSING: ReadonlySet<number | undefined> = new Set([
  -1000, -1001, -1003, -1006, -1007, -1008, -1015, -1016, -1021, -1022,
]);

/**
 * Lists what rests on every market of the accounts concerned and cancels what the work is about.
 * @param placedBeforeMs what was placed later stays; undefined where nothing can be
 */
export async function cancelRound(
  deps: RoundDeps,
  work: CancelWork,
  placedBeforeMs: number | undefined,
): Promise<RoundEnd> {
  const accounts = accountsOf(deps.settings(), work);
  const ends = await Promise.all(
    accounts.map((account) => new Round(deps, work, account).run(placedBeforeMs)),
  );
  return {
    cancelled: ends.reduce((sum, { cancelled }) => sum + cancelled, 0),
    left: ends.flatMap(({ left }) => left),
    isClean: ends.every(({ isClean }) => isClean),
  };
}

function accountsOf({ accounts, clients }: Settings, { scope }: CancelWork): readonly string[] {
  if (scope.kind === 'account') return accounts.has(scope.name) ? [scope.name] : [];
  if (scope.kind !== 'client') return [...accounts.keys()];
  const account = clients.get(scope.name)?.account;
  return account === undefined || !accounts.has(account) ? [] : [account];
}

/** One round on one account. */
class Round {
  readonly #deps: RoundDeps;
  readonly #work: CancelWork;
  readonly #account: string;
  readonly #left: LeftOrder[] = [];
  /** Markets that this key may not look at. */
  readonly #closed: LeftOrder[] = [];
  #listed = 0;
  #cancelled = 0;

  constructor(deps: RoundDeps, work: CancelWork, account: string) {
    this.#deps = deps;
    this.#work = work;
    this.#account = account;
  }

  async run(placedBeforeMs: number | undefined): Promise<RoundEnd> {
    const lists = await inParallel(this.#books(), (book) => this.#list(book));
    const open = lists.flat().filter((order) => this.#isMeant(order, placedBeforeMs));
    const wanted = this.#work.mode === 'all' ? open : await this.#own(open);
    await inParallel(this.#cancels(wanted), ([order, all]) => this.#cancel(order, all));
    // A key that may look nowhere says nothing about what rests.
    if (this.#listed === 0) this.#left.push(...this.#closed);
    const isClean = wanted.length === 0 && this.#left.length === 0;
    return { cancelled: this.#cancelled, left: this.#left, isClean };
  }

  #books(): readonly OpenBook[] {
    const { settings, known } = this.#deps;
    const { clients, upstreams } = settings();
    const granted = new Set<string>();
    for (const client of clients.values())
      if (client.account === this.#account) for (const each of client.permissions) granted.add(each);
    const used = known.values().filter(({ account }) => account === this.#account);
    return OPEN_BOOKS.filter(
      (book) =>
        upstreams[book.upstream] !== undefined &&
        (granted.has(book.permission) || used.some(({ path }) => book.placedBy.test(path))),
    );
  }

  async #list(book: OpenBook): Promise<readonly OpenOrder[]> {
    if (book.isIsolated !== true) return this.#listOne(book, []);
    const symbols = await this.#isolatedSymbols(book);
    const lists = symbols.map((symbol) => this.#listOne(book, [['symbol', symbol], ISOLATED]));
    return (await Promise.all(lists)).flat();
  }

  async #listOne(
    book: OpenBook,
    params: readonly (readonly [string, string])[],
  ): Promise<readonly OpenOrder[]> {
    const text = await this.#look(book, book.listPath, params);
    if (text === undefined) return [];
    const orders = readOpenOrders(book, this.#account, text);
    if (orders === undefined) this.#blind(book, 'its open orders cannot be read');
    return orders ?? [];
  }

  /** An isolated account lists its orders symbol by symbol: those that the account has, and those that were used. */
  async #isolatedSymbols(book: OpenBook): Promise<readonly string[]> {
    const symbols = new Set<string>();
    for (const { account, isIsolated, symbol } of this.#deps.known.values())
      if (account === this.#account && isIsolated) symbols.add(symbol);
    const text = await this.#look(book, '/sapi/v1/margin/isolated/account', []);
    for (const [, symbol = ''] of (text ?? '').matchAll(/"symbol"\s*:\s*"([^"]+)"/g)) symbols.add(symbol);
    const { scope } = this.#work;
    return scope.kind === 'symbol' ? [...symbols].filter((symbol) => symbol === scope.name) : [...symbols];
  }

  /** The text of a good answer. A market that this key has no right to is closed, which is no trouble by itself. */
  async #look(
    book: OpenBook,
    path: string,
    params: readonly (readonly [string, string])[],
  ): Promise<string | undefined> {
    try {
      const { status, bodyText } = await this.#ask('GET', book.upstream, path, params);
      if (status === 200) {
        this.#listed++;
        return bodyText;
      }
      const { code, msg = '' } = readOrderAnswer(bodyText);
      const why = `Binance answered ${status} ${code ?? ''} ${msg}`.trim();
      const isNo = status === 404 || (status >= 400 && status < 418 && code !== undefined);
      if (isNo && !PASSING.has(code)) this.#blind(book, why);
      else this.#left.push(this.#unseen(book, why));
    } catch (error) {
      this.#left.push(this.#unseen(book, whyOf(error)));
    }
    return undefined;
  }

  /** Binance shows this key no orders there. That is no trouble unless the proxy itself placed some. */
  #blind(book: OpenBook, why: string): void {
    const isUsed = this.#deps.known
      .values()
      .some(({ account, path }) => account === this.#account && book.placedBy.test(path));
    (isUsed ? this.#left : this.#closed).push(this.#unseen(book, why));
  }

  #isMeant({ symbol, placedMs }: OpenOrder, placedBeforeMs: number | undefined): boolean {
    const { scope } = this.#work;
    if (scope.kind === 'symbol' && symbol !== scope.name) return false;
    return placedBeforeMs === undefined || placedMs === undefined || placedMs <= placedBeforeMs;
  }

  /** Those that were placed through the proxy, of a client's scope by this client. */
  async #own(open: readonly OpenOrder[]): Promise<readonly OpenOrder[]> {
    const placers = new Map<OpenOrder, string>();
    for (const order of open) {
      const client = this.#deps.known.findAny(order)?.client ?? this.#watchedPlacer(order);
      if (client !== undefined) placers.set(order, client);
    }
    const others = open.filter((order) => !placers.has(order));
    const { dir } = this.#deps.settings().audit;
    if (dir !== undefined && others.length > 0) {
      try {
        for (const [order, client] of await placersOf(dir, others)) placers.set(order, client);
      } catch {
        for (const order of others) this.#left.push(leftOf(order, 'the audit folder cannot be read'));
      }
    }
    const { kind, name } = this.#work.scope;
    return open.filter((order) => {
      const client = placers.get(order);
      return kind === 'client' ? client === name : client !== undefined;
    });
  }

  /** Who placed it by the streams of the account, which also know what a conditional order became. */
  #watchedPlacer({ account, book, symbol, id }: OpenOrder): string | undefined {
    const family = productOf({ upstream: book.upstream, path: book.listPath });
    if (family === undefined) return undefined;
    const orderId = book.idName === 'algoId' ? `algo:${id}` : id;
    return this.#deps.resting.find({ account, family, symbol, orderId, clientOrderId: undefined })?.client;
  }

  /** One cancel for each order, and one for each list of orders that has a cancel of its own. */
  #cancels(orders: readonly OpenOrder[]): readonly (readonly [OpenOrder, readonly OpenOrder[]])[] {
    const byList = Map.groupBy(orders, ({ book, symbol, id, listId }) =>
      listId === undefined || book.listCancelPath === undefined
        ? `${book.market} ${symbol} ${id}`
        : `${book.market} ${symbol} list ${listId}`,
    );
    return [...byList.values()].flatMap((all) => (all[0] === undefined ? [] : [[all[0], all] as const]));
  }

  async #cancel(order: OpenOrder, all: readonly OpenOrder[]): Promise<void> {
    const { book, symbol, id, listId } = order;
    const isList = listId !== undefined && book.listCancelPath !== undefined;
    const named = isList ? (['orderListId', listId] as const) : ([book.idName, id] as const);
    const params: (readonly [string, string])[] = [];
    if (book.namesSymbol || isList) params.push(['symbol', symbol]);
    if (book.isIsolated) params.push(ISOLATED);
    params.push(named);
    const path = isList ? (book.listCancelPath ?? '') : book.cancelPath;
    try {
      const { status, bodyText } = await this.#ask(book.cancelMethod, book.upstream, path, params);
      const { code, msg = '' } = readOrderAnswer(bodyText);
      if (status === 200) this.#cancelled += all.length;
      else if (!GONE.has(code)) {
        const why = `Binance answered ${status} ${code ?? ''} ${msg}`.trim();
        this.#left.push(...all.map((each) => leftOf(each, why)));
      }
    } catch (error) {
      this.#left.push(...all.map((each) => leftOf(each, whyOf(error))));
    }
  }

  #ask(
    method: 'GET' | 'POST' | 'DELETE',
    upstream: UpstreamName,
    path: string,
    params: readonly (readonly [string, string])[],
  ) {
    const { kind, name } = this.#work.scope;
    const client = kind === 'client' ? name : undefined;
    return this.#deps.ask({ method, upstream, path, params, account: this.#account, client });
  }

  #unseen({ market }: OpenBook, why: string): LeftOrder {
    return { account: this.#account, market, why };
  }
}

const ISOLATED = ['isIsolated', 'TRUE'] as const;

function leftOf({ account, book, symbol, id, clientOrderIds }: OpenOrder, why: string): LeftOrder {
  const [clientOrderId] = clientOrderIds;
  const named = clientOrderId === undefined ? {} : { clientOrderId };
  return { account, market: book.market, symbol, orderId: id, ...named, why };
}

function whyOf(error: unknown): string {
  return error instanceof ProxyError ? error.message : 'Binance gave no answer';
}

async function inParallel<T, R>(items: readonly T[], run: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const waiting = [...items];
  const worker = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift())
      results.push(await run(item));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results;
}
