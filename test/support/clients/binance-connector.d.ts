/** What the tests use of a library that has no types. */
declare module '@binance/connector' {
  type Answer = Promise<{ readonly data: Readonly<Record<string, unknown>> }>;
  type Values = Readonly<Record<string, unknown>>;

  export class Spot {
    constructor(key: string, secret: string, options: Values);
    time(): Answer;
    exchangeInfo(options: Values): Answer;
    account(): Answer;
    newOrder(symbol: string, side: string, type: string, options: Values): Answer;
    cancelOrder(symbol: string, options: Values): Answer;
    openOrders(options: Values): Answer;
    withdraw(coin: string, address: string, amount: number): Answer;
  }

  interface Callbacks {
    readonly open?: () => void;
    readonly message: (text: string) => void;
  }
  interface SocketOptions {
    readonly wsURL: string;
    readonly callbacks: Callbacks;
    readonly logger: Console;
  }

  export class WebsocketAPI {
    constructor(key: string, secret: string, options: SocketOptions);
    account(options: Values): void;
    newOrder(symbol: string, side: string, type: string, options: Values): void;
    cancelOrder(symbol: string, options: Values): void;
    sendSignatureMessage(method: string, options: Values): void;
    disconnect(): void;
  }

  export class WebsocketStream {
    constructor(options: SocketOptions);
    trade(symbol: string): void;
    kline(symbol: string, interval: string): void;
    disconnect(): void;
  }
}
