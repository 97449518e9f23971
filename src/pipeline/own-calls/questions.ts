import { type Client, PROXY_CLIENT } from '../../core/access/client.ts';
import type { SocketFamily, UpstreamName } from '../../core/upstream.ts';
import type { AskUpstream } from '../../orders/order-lookup.ts';
import type { CancelPort } from '../../stops/cancelling/cancel-round.ts';
import { fetchPublic } from '../../upstream/wire-upstream.ts';
import type { LiveConfig } from '../live-config.ts';
import { type OwnCalls, targetOf } from './own-call.ts';
import type { OwnAnswer } from './text-carrier.ts';

/** What the parts of the proxy ask Binance by themselves. */
export interface Questions {
  /** The market, for the price of an order. */
  market(upstream: UpstreamName, target: string, causedBy: Client): Promise<string>;
  /** What became of an order. */
  readonly fate: AskUpstream;
  /** What rests, and takes it away. */
  readonly cancelling: CancelPort;
  /** Makes or keeps alive the listen key of an account: the text of the answer. */
  listenKey(method: 'POST' | 'PUT', family: 'usdm' | 'coinm', account: string): Promise<string>;
  /** What a stream of an account may have missed. */
  missed(account: string, family: SocketFamily, target: string): Promise<OwnAnswer>;
}

const LISTEN_KEYS = { usdm: '/fapi/v1/listenKey', coinm: '/dapi/v1/listenKey' } as const;

/** Each question in its lane, and at the cost of the client whom it serves. */
export function createQuestions(ownCalls: OwnCalls, config: () => LiveConfig): Questions {
  const clientOf = (name = ''): Client => config().settings.clients.get(name) ?? PROXY_CLIENT;
  return {
    market: (upstream, target, client) => fetchPublic(ownCalls, upstream, target, { lane: 'orders', client }),
    async fate(account, upstream, path, params, owner) {
      const serves = { lane: 'orders', client: clientOf(owner) } as const;
      const answer = await ownCalls.get({ upstream, target: targetOf(path, params), account, serves });
      return { status: answer.status, bodyText: answer.text };
    },
    async cancelling({ method, upstream, path, params, account, client }) {
      const serves = { lane: 'cancels', client: clientOf(client) } as const;
      const call = { upstream, target: targetOf(path, params), account, serves };
      const { status, text } = await (method === 'GET' ? ownCalls.get(call) : ownCalls.cancel(method, call));
      return { status, bodyText: text };
    },
    async listenKey(method, family, account) {
      const target = LISTEN_KEYS[family];
      const { status, text } = await ownCalls.keepListening(method, { upstream: family, target, account });
      if (status !== 200) throw new Error(`Binance answered HTTP ${status}.`);
      return text;
    },
    missed: (account, family, target) => ownCalls.get({ upstream: family, target, account }),
  };
}
