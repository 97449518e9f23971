import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { OPEN_BOOKS, type OpenBook } from '../../../src/stops/cancelling/open-books.ts';
import { startAnswer } from './start-answers.ts';

/** One resting order, as its market names it. */
interface Resting {
  readonly market: string;
  readonly symbol: string;
  readonly id: string;
  readonly clientId: string;
}

export interface RestingExchange {
  readonly url: string;
  /** What rests now. */
  readonly orders: readonly Resting[];
  /** Method and path of every cancel. */
  readonly cancels: readonly string[];
  add(order: Resting): void;
  close(): Promise<void>;
}

/** A stand-in for every market of Binance on which orders rest: it lists them and cancels them, and places what is sent. */
export async function startRestingExchange(): Promise<RestingExchange> {
  let orders: Resting[] = [];
  const cancels: string[] = [];
  let nextId = 9_007_199_254_740_993n;

  function answer(method: string, path: string, params: URLSearchParams): { status: number; body: string } {
    const isIsolated = params.get('isIsolated') === 'TRUE';
    const listed = OPEN_BOOKS.find(
      (book) => book.listPath === path && (book.isIsolated ?? false) === isIsolated,
    );
    if (method === 'GET' && listed !== undefined) return ok(listOf(listed, params.get('symbol')));
    if (method === 'GET' && path === '/sapi/v1/margin/isolated/account')
      return ok('{"assets":[{"symbol":"ETHUSDT"},{"symbol":"BTCUSDT"}]}');
    if (method === 'DELETE') {
      const book = OPEN_BOOKS.find(
        (each) => each.cancelPath === path && (each.isIsolated ?? false) === isIsolated,
      );
      const id = book && params.get(book.idName);
      const found = orders.find((order) => order.market === book?.market && order.id === id);
      cancels.push(`${method} ${path}`);
      orders = orders.filter((order) => order !== found);
      return found === undefined
        ? { status: 400, body: '{"code":-2011,"msg":"Unknown order sent."}' }
        : ok('{"status":"CANCELED"}');
    }
    if (method === 'POST') {
      const book = OPEN_BOOKS.find(
        (each) => each.placedBy.test(path) && (each.isIsolated ?? false) === isIsolated,
      );
      const id = String(nextId++);
      const names = ['newClientOrderId', 'clientOrderId', 'clientAlgoId', 'newClientStrategyId'];
      const clientId = names.map((name) => params.get(name)).find((value) => value !== null) ?? 'none';
      const symbol = params.get('symbol') ?? '';
      if (book !== undefined) orders.push({ market: book.market, symbol, id, clientId });
      return ok(`{"symbol":"${symbol}","${book?.idName ?? 'orderId'}":${id}}`);
    }
    return { status: 404, body: '{"code":-1000,"msg":"not here"}' };
  }

  function listOf(book: OpenBook, symbol: string | null): string {
    const rows = orders
      .filter((order) => order.market === book.market && (symbol === null || order.symbol === symbol))
      .map(({ id, clientId, symbol: of }) => {
        const named = { algoId: 'clientAlgoId', strategyId: 'newClientStrategyId', orderId: 'clientOrderId' };
        const name = named[book.idName as keyof typeof named];
        return `{"symbol":"${of}","${book.idName}":${id},"${name}":"${clientId}"}`;
      });
    const list = `[${rows.join(',')}]`;
    return book.listPath.startsWith('/sapi/v1/algo') ? `{"total":${rows.length},"orders":${list}}` : list;
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { pathname, search } = new URL(request.url ?? '', 'http://localhost');
      const params = new URLSearchParams(`${search.slice(1)}&${Buffer.concat(chunks).toString()}`);
      const given = request.method === 'GET' ? startAnswer(request.url ?? '') : undefined;
      const { status, body } =
        given === undefined ? answer(request.method ?? '', pathname, params) : ok(given);
      response.writeHead(status, { 'content-type': 'application/json' }).end(body);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get orders() {
      return orders;
    },
    cancels,
    add: (order) => void orders.push(order),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function ok(body: string) {
  return { status: 200, body };
}
