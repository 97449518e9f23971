import type { Route } from '../http/route.ts';
import { futuresAccountRoutes } from './futures/account.ts';
import { futuresAccountReadRoutes } from './futures/account-reads.ts';
import { algoOrderRoutes } from './futures/algo-orders.ts';
import { futuresBatchRoutes } from './futures/batches.ts';
import { futuresMarketRoutes } from './futures/market.ts';
import { futuresOrderRoutes } from './futures/orders.ts';
import { genericRoute, unsignedRoutes } from './generic.ts';
import { marginRoutes } from './margin.ts';
import { marginReadRoutes } from './margin-reads.ts';
import { spotAccountRoutes } from './spot/account.ts';
import { spotCancelReplaceRoutes } from './spot/cancel-replace.ts';
import { spotExchangeRoutes } from './spot/exchange-rules.ts';
import { spotMarketRoutes } from './spot/market.ts';
import { spotOrderListRoutes } from './spot/order-lists.ts';
import { spotOrderRoutes } from './spot/orders.ts';
import { spotTickerRoutes } from './spot/tickers.ts';
import { walletRoutes } from './wallet.ts';
import { walletReadRoutes } from './wallet-reads.ts';

/** All endpoints by `METHOD path`. */
export class Router {
  readonly #routes = new Map<string, Route>();
  readonly #methodsOf = new Map<string, string[]>();
  readonly #sapi: boolean;

  constructor(sapi: boolean) {
    this.#sapi = sapi;
    const routes = [
      ...spotMarketRoutes(),
      ...spotTickerRoutes(),
      ...spotExchangeRoutes(),
      ...spotOrderRoutes(),
      ...spotCancelReplaceRoutes(),
      ...spotOrderListRoutes(),
      ...spotAccountRoutes(),
      ...walletRoutes(),
      ...walletReadRoutes(),
      ...marginRoutes(),
      ...marginReadRoutes(),
      ...futuresMarketRoutes(),
      ...futuresOrderRoutes(),
      ...futuresBatchRoutes(),
      ...algoOrderRoutes(),
      ...futuresAccountRoutes(),
      ...futuresAccountReadRoutes(),
      ...unsignedRoutes(),
    ];
    for (const route of routes) {
      this.#routes.set(`${route.method} ${route.path}`, route);
      this.#methodsOf.set(route.path, [...(this.#methodsOf.get(route.path) ?? []), route.method]);
    }
  }

  /**
   * The endpoint. Undefined when there is none; the edge answers that with a page.
   * @throws ExchangeError with status 410 for a retired one
   */
  find(method: string, path: string): Route | undefined {
    if (!this.#sapi && path.startsWith('/sapi/')) return undefined;
    const route = this.#routes.get(`${method} ${path}`);
    if (route !== undefined) return route;
    const takesOnlyGet = this.#methodsOf.get(path)?.every((known) => known === 'GET') ?? false;
    if (takesOnlyGet && !path.startsWith('/sapi/')) return undefined;
    return genericRoute(method, path);
  }
}
