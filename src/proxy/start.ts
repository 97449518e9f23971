import type { FastifyInstance } from 'fastify';
import { ConfigError } from '../config/problems/config-error.ts';
import type { Settings } from '../config/schema/settings.ts';
import { isLoopback } from '../config/sections/hosts.ts';
import { buildAppListener } from '../http/app-listener.ts';
import { renewCertificate } from '../http/http-server.ts';
import { buildOperatorListener } from '../operator/operator-listener.ts';
import { type BuiltProxy, buildProxy, type ProxyOptions } from './build.ts';
import { drain } from './drain.ts';
import { listen } from './listen.ts';
import { noteStartWarnings } from './start-warnings.ts';

export interface RunningProxy {
  /** Base URL for apps, or the path of the Unix socket. */
  readonly url: string;
  readonly operatorUrl: string;
  /** What it is made of. */
  readonly proxy: BuiltProxy;
  swap(settings: Settings): void;
  /** Stops accepting, finishes what is under way (at most `graceMs`), then lets go of everything. */
  close(graceMs?: number): Promise<void>;
}

/** The preflight of some key failed for good and the configuration says that this stops the start. */
export class PreflightError extends Error {
  override readonly name = 'PreflightError';
}

const GRACE_MS = 10_000;
/** How long the start waits for the exchange's clock; without it the proxy serves and says 503 to signed calls. */
const WARM_UP_MS = 3_000;

/**
 * Starts the proxy: the operator can look from the first moment; apps are let in once clock and key permissions were
 * read, or after a short wait without them.
 * @throws PreflightError when a key may more than it should
 */
export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  const { settings } = options;
  const proxy = await buildProxy(options);
  const { trail } = proxy;
  const started: FastifyInstance[] = [];
  try {
    const operator = await buildOperatorListener(proxy.operator);
    started.push(operator);
    const operatorUrl = await listen(operator, {
      ...settings.operator,
      socket: undefined,
      socketGroup: undefined,
    });
    await Promise.race([proxy.warmUp(), pause(WARM_UP_MS)]);
    assertPreflight(settings, proxy);
    const app = await buildAppListener(proxy.app);
    started.push(app);
    const url = await listen(app, settings.server);
    trail.note({
      event: 'proxy.started',
      detail: { environment: settings.environment, url, operatorUrl, node: process.version },
    });
    noteStartWarnings(trail, settings);
    return {
      url,
      operatorUrl,
      proxy,
      swap(next) {
        assertStillGuarded(settings.server, next);
        proxy.swap(next);
        renewCertificate(app.server, next.server.tls);
      },
      async close(graceMs = GRACE_MS) {
        trail.note({ event: 'proxy.stopping' });
        await drain({ app, underWay: proxy.underWay, refuse: () => proxy.stop(), graceMs });
        await operator.close();
        await proxy.close();
      },
    };
  } catch (error) {
    await Promise.all(started.map((each) => each.close()));
    await proxy.close();
    throw error;
  }
}

/**
 * The listener stays where it was opened, whatever a new configuration says: it must not lose the keys without which it
 * would not have been opened.
 * @throws ConfigError when callers from elsewhere would be trusted without a key
 */
export function assertStillGuarded(listening: Settings['server'], next: Settings): void {
  const isLocal = listening.socket !== undefined || isLoopback(listening.host);
  if (isLocal || next.clientsByKeyDigest.size > 0) return;
  const message =
    'BINANCE_PROXY_CLIENT_KEY is not set any more, but the running listener is open to other machines: set it, or start anew.';
  throw new ConfigError([{ message, source: 'BINANCE_PROXY_CLIENT_KEY' }]);
}

function assertPreflight({ keyPreflight }: Settings, { gate }: BuiltProxy): void {
  if (keyPreflight !== 'enforce') return;
  for (const [account, verdict] of gate.verdicts) {
    if (verdict.kind === 'failed')
      throw new PreflightError(`Account ${account}: ${verdict.problems.join(' ')}`);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
