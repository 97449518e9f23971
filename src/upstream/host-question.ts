import type { FirewallPage } from '../budgets/budgets.ts';
import type { WayOut, WaysOut } from '../config/schema/ways-out.ts';
import { PROXY_CLIENT } from '../core/access/client.ts';
import type { Serves } from '../core/budget/charging.ts';
import type { UpstreamName } from '../core/upstream.ts';
import { PINGS } from './pings.ts';

export interface HostQuestionOptions {
  readonly ways: () => WaysOut;
  /** One GET, charged and learned from like any other; rejects when no answer came. */
  readonly ask: (question: {
    readonly upstream: UpstreamName;
    readonly target: string;
    readonly way: WayOut;
    readonly serves: Serves;
  }) => Promise<unknown>;
}

/** Whether a host still answers at all hangs on every cancel. */
const SERVES: Serves = { lane: 'cancels', client: PROXY_CLIENT };

/**
 * Asks a host for something harmless after a client got a firewall's page from it. When that gets a page as well, the
 * address is meant, and the budgets learn from the answer that nobody may call.
 */
export function createHostQuestion({ ways, ask }: HostQuestionOptions): (page: FirewallPage) => void {
  const underWay = new Set<string>();
  return ({ upstream, egress }) => {
    const target = PINGS[upstream];
    const name = `${upstream} ${egress ?? ''}`;
    if (target === undefined || underWay.has(name)) return;
    const { main, accounts } = ways();
    const way = [...accounts.values()].find(({ id }) => id === egress) ?? main;
    underWay.add(name);
    // Without an answer nothing is known that was not known before.
    void ask({ upstream, target, way, serves: SERVES })
      .catch(() => undefined)
      .finally(() => underWay.delete(name));
  };
}
