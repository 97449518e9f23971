import { BoundedSet } from '../core/bounded-set.ts';
import { productOf } from '../core/limits/resting-room.ts';
import type { AuditRecord } from '../core/records/record.ts';
import type { SocketFamily, UpstreamName } from '../core/upstream.ts';
import { type RealisedResults, readResult } from '../orders/resting/realised-results.ts';
import type { OrderWord, RestingOrders } from '../orders/resting/resting-orders.ts';
import { placersOf } from '../stops/cancelling/recorded-orders.ts';
import type { OwnOrders } from './own-orders.ts';
import type { OwnReport } from './report-judge.ts';
import { type ConditionalReport, isOver, type OrderReport } from './watch-event.ts';

export interface OwnBookDeps {
  readonly own: OwnOrders;
  readonly resting: RestingOrders;
  readonly realised: RealisedResults;
  /** Where the records of earlier days are; undefined when they are kept nowhere. */
  readonly auditDir: () => string | undefined;
}

const MOST_SEARCHED = 20_000;

/** Keeps the book of own orders by what streams, lists and answers say. */
export class OwnBook {
  readonly #deps: OwnBookDeps;
  readonly #searched = new BoundedSet(MOST_SEARCHED);

  constructor(deps: OwnBookDeps) {
    this.#deps = deps;
  }

  /** Hears of cancels: while nobody watches, their answers are what tells that an order is gone. */
  readonly hear = (event: string, line: string): void => {
    if (event !== 'call.completed' || !line.includes('"method":"DELETE"')) return;
    const { account, upstream, path = '', status, orderId } = JSON.parse(line) as AuditRecord;
    if (status !== 200 || account === undefined || orderId === undefined) return;
    const family = productOf({ upstream: upstream as UpstreamName, path });
    if (family === undefined) return;
    const isConditional = path.endsWith('/algoOrder');
    const ids = [orderId].flat().map((id) => (isConditional ? `algo:${id}` : id));
    this.#deps.resting.cancelled(account, family, ids);
  };

  readonly note = ({ account, report, client }: OwnReport): void => {
    const { resting, realised } = this.#deps;
    const { family, symbol, fill } = report;
    resting.told(wordOf(account, report), client);
    const amount = fill === undefined ? undefined : readResult(fill.result);
    if (fill === undefined || amount === undefined || !client) return;
    const key = `${account} ${family} ${symbol} ${fill.tradeId}`;
    realised.note({ client, key, asset: fill.asset, amount, atMs: fill.atMs });
  };

  noteConditional(account: string, family: SocketFamily, report: ConditionalReport): void {
    const { own, resting } = this.#deps;
    const client = own.clientOf(account, [report.clientOrderId]);
    resting.told(conditionalWord(account, family, report), client);
  }

  /** Takes over the whole of what rests, as the answers to questions of that moment say. */
  async listed(
    account: string,
    family: SocketFamily,
    standing: readonly OrderReport[],
    conditional: readonly ConditionalReport[] | undefined,
    askedAt: number,
  ): Promise<void> {
    const { resting } = this.#deps;
    await this.#searchPlacers(account, standing);
    for (const report of conditional ?? []) this.noteConditional(account, family, report);
    // Where nobody says what waits, what waited does so still.
    const waiting =
      conditional?.map((report) => conditionalWord(account, family, report)) ??
      resting.on(account).map((order) => ({ ...order, rests: true }));
    resting.listed(account, family, [...standing.map((each) => wordOf(account, each)), ...waiting], askedAt);
  }

  /** Orders from before the last two days are found in the records of their time, each looked for once. */
  async #searchPlacers(account: string, standing: readonly OrderReport[]): Promise<void> {
    const { own, auditDir } = this.#deps;
    const dir = auditDir();
    const wanted = standing
      .filter(({ family, symbol, orderId }) => {
        const isKnown = own.hasId(account, family, symbol, orderId);
        return isKnown && own.clientOfId(account, family, symbol, orderId) === undefined;
      })
      .filter(
        ({ family, symbol, orderId }) => !this.#searched.has(`${account} ${family} ${symbol} ${orderId}`),
      )
      .map((report) => ({ ...report, account, upstream: report.family, id: report.orderId }));
    if (dir === undefined || wanted.length === 0) return;
    const placers = await placersOf(dir, wanted);
    for (const order of wanted) {
      const { family, symbol, orderId } = order;
      this.#searched.add(`${account} ${family} ${symbol} ${orderId}`);
      const client = placers.get(order);
      if (client === undefined) continue;
      own.noteId(account, family, symbol, orderId, client);
      this.note({ account, report: order, client });
    }
  }
}

function wordOf(account: string, report: OrderReport): OrderWord {
  const { family, symbol, orderId, clientOrderIds, status, execution } = report;
  const rests = !isOver(status ?? execution);
  return { account, family, symbol, orderId, names: clientOrderIds, rests };
}

function conditionalWord(account: string, family: SocketFamily, report: ConditionalReport): OrderWord {
  const { symbol, algoId, clientOrderId, status } = report;
  const rests = !isOver(status);
  return { account, family, symbol, orderId: `algo:${algoId}`, names: [clientOrderId], rests };
}
