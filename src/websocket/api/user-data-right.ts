import { ANONYMOUS } from '../../core/access/client.ts';
import { subscriptionIdOf } from '../../core/frames/frame-answer.ts';
import type { CallContext } from '../../pipeline/call-context.ts';
import type { LiveConfig } from '../../pipeline/live-config.ts';
import { ReadRight } from '../sockets/read-right.ts';

interface Subscription {
  readonly right: ReadRight;
  readonly account: string | undefined;
  /** Binance's key that signed it. */
  readonly apiKey: string | undefined;
}

/** Whether a socket may still hear the user data that it subscribed to, whichever of its clients did. */
export class UserDataRight {
  readonly #subscriptions = new Map<string, Subscription>();

  /** Notes the subscription that an answer opened, if it opened one. */
  note({ endpoint, client, account, config }: CallContext, resultText: string | undefined): void {
    if (endpoint?.permission !== 'read' || client === undefined) return;
    if (subscriptionIdOf(resultText) === undefined) return;
    const right = new ReadRight(client.name === ANONYMOUS ? 'unknown' : client, config);
    const apiKey = apiKeyOf(config, account);
    this.#subscriptions.set(`${client.name} ${apiKey}`, { right, account, apiKey });
  }

  /** True without a subscription, and while every client that subscribed may read with the same key of Binance. */
  holds(config: LiveConfig): boolean {
    return this.#subscriptions
      .values()
      .every(({ right, account, apiKey }) => right.holds(config) && apiKeyOf(config, account) === apiKey);
  }
}

function apiKeyOf({ keys }: LiveConfig, account: string | undefined): string | undefined {
  return keys.get(account ?? '')?.apiKey;
}
