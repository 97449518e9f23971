import { subscriptionIdOf } from '../../core/frames/frame-answer.ts';
import type { Exchange } from '../../pipeline/call-context.ts';
import type { LiveConfig } from '../../pipeline/live-config.ts';

/**
 * Whether a socket may still hear the user data that it subscribed to: Binance goes on sending whatever the
 * configuration becomes, so each new one is asked again.
 */
export class UserDataRight {
  #under: { readonly snapshot: LiveConfig; readonly client: string; readonly apiKey: string } | undefined;

  /** Notes the subscription that an answer opened, if it opened one. */
  note({ endpoint, client, account, snapshot }: Exchange, resultText: string | undefined): void {
    if (endpoint?.permission !== 'read' || subscriptionIdOf(resultText) === undefined) return;
    const apiKey = apiKeyOf(snapshot, account);
    this.#under = { snapshot, client: client?.name ?? '', apiKey: apiKey ?? '' };
  }

  /** True without a subscription, and while its client still may read with the same key of Binance. */
  holds(snapshot: LiveConfig): boolean {
    const under = this.#under;
    if (under === undefined || under.snapshot === snapshot) return true;
    const client = snapshot.settings.clients.get(under.client);
    if (client?.permissions.has('read') !== true) return false;
    if (apiKeyOf(snapshot, client.account) !== under.apiKey) return false;
    this.#under = { ...under, snapshot };
    return true;
  }
}

function apiKeyOf({ settings }: LiveConfig, account: string | undefined): string | undefined {
  return settings.accounts.get(account ?? '')?.apiKey;
}
