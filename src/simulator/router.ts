import { futuresAccountRoutes } from './futures-account-routes.ts';
import { futuresBatchRoutes } from './futures-batch-routes.ts';
import { futuresMarketRoutes } from './futures-market-routes.ts';
import { futuresOrderRoutes } from './futures-order-routes.ts';
import { genericRoute, unsignedRoutes } from './generic-routes.ts';
import { marginRoutes } from './margin-routes.ts';
import type { Route } from './route.ts';
import { spotAccountRoutes } from './spot-account-routes.ts';
import { spotCancelReplaceRoutes } from './spot-cancel-replace.ts';
import { spotExchangeRoutes } from './spot-exchange-rules.ts';
import { spotMarketRoutes } from './spot-market-routes.ts';
import { spotOrderListRoutes } from './spot-order-lists.ts';
import { spotOrderRoutes } from './spot-order-routes.ts';
import { spotTickerRoutes } from './spot-ticker-routes.ts';
import { walletRoutes } from './wallet-routes.ts';

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
      ...marginRoutes(),
      ...futuresMarketRoutes(),
      ...futuresOrderRoutes(),
      ...futuresBatchRoutes(),
      ...futuresAccountRoutes(),
      ...unsignedRoutes(),
    ];
    for (const route of routes) {
      this.#routes.set(`${route.method} ${route.path}`, route);
      this.#methodsOf.set(route.path, [...(this.#methodsOf.get(route.path) ?? []), route.method]);
    }
  }

  /**
   * The endpoint; undefined when there is none, which the edge answers with a page.
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
