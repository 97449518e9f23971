import { subscriptionIdOf } from '../../core/frames/frame-answer.ts';
import type { CallContext } from '../../pipeline/call-context.ts';
import type { LiveConfig } from '../../pipeline/live-config.ts';

/**
 * Whether a socket may still hear the user data that it subscribed to: Binance goes on sending whatever the
 * configuration becomes, so each new one is asked again.
 */
export class UserDataRight {
  #under: { readonly config: LiveConfig; readonly client: string; readonly apiKey: string } | undefined;

  /** Notes the subscription that an answer opened, if it opened one. */
  note({ endpoint, client, account, config }: CallContext, resultText: string | undefined): void {
    if (endpoint?.permission !== 'read' || subscriptionIdOf(resultText) === undefined) return;
    const apiKey = apiKeyOf(config, account);
    this.#under = { config, client: client?.name ?? '', apiKey: apiKey ?? '' };
  }

  /** True without a subscription, and while its client still may read with the same key of Binance. */
  holds(config: LiveConfig): boolean {
    const under = this.#under;
    if (under === undefined || under.config === config) return true;
    const client = config.settings.clients.get(under.client);
    if (client?.permissions.has('read') !== true) return false;
    if (apiKeyOf(config, client.account) !== under.apiKey) return false;
    this.#under = { ...under, config };
    return true;
  }
}

function apiKeyOf({ keys }: LiveConfig, account: string | undefined): string | undefined {
  return keys.get(account ?? '')?.apiKey;
}
