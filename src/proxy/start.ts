import type { FastifyInstance } from 'fastify';
import type { Settings } from '../config/schema/settings.ts';
import { buildAppListener } from '../http/app-listener.ts';
import { renewCertificate } from '../http/http-server.ts';
import { buildOperatorListener } from '../operator/operator-listener.ts';
import { type BuiltProxy, buildProxy, type ProxyOptions } from './build.ts';
import { drain } from './drain.ts';
import { listen, openAddresses } from './listen.ts';
import { listenByName } from './listen-by-name.ts';
import { APP_VARIABLES, OPERATOR_VARIABLES } from './listen-trouble.ts';
import { assertNoLoop } from './loops.ts';
import { createReload, noteUnguarded } from './reload.ts';
import { noteStartWarnings } from './start-warnings.ts';

export interface RunningProxy {
  /** Base URL for apps, or the path of the Unix socket. */
  readonly url: string;
  readonly operatorUrl: string;
  /** The ports of the TLS listeners by name. */
  readonly namedPorts: readonly number[];
  /** What it is made of. */
  readonly proxy: BuiltProxy;
  /**
   * Puts a new configuration in place of the old one, and says in the trail what changed.
   * @throws ConfigError when it would take a guard away; the old one stays
   */
  swap(settings: Settings): void;
  /** Stops accepting, finishes what is under way (at most `graceMs`), then lets go of everything. */
  close(graceMs?: number): Promise<void>;
}

/** The preflight of some key failed for good and the configuration says that this stops the start. */
export class PreflightError extends Error {
  override readonly name = 'PreflightError';
}

/** With what comes after it, less than the ten seconds that a container engine waits before it kills. */
const GRACE_MS = 7_000;
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
      variables: OPERATOR_VARIABLES,
    });
    await Promise.all([assertNoLoop(settings), Promise.race([proxy.warmUp(), pause(WARM_UP_MS)])]);
    assertPreflight(settings, proxy);
    const app = await buildAppListener(proxy.app);
    started.push(app);
    const url = await listen(app, { ...settings.server, variables: APP_VARIABLES });
    const named = await listenByName(app, settings.server);
    proxy.app.own.set([...openAddresses(operator), ...openAddresses(app)]);
    proxy.listening();
    const { environment } = settings;
    const denylist = settings.files.get('denylist')?.name ?? 'built-in only';
    const byName = named.ports.length === 0 ? undefined : named.ports.join(', ');
    const detail = { environment, url, byName, operatorUrl, node: process.version, denylist };
    trail.note({ event: 'proxy.started', detail });
    noteUnguarded(settings, trail);
    noteStartWarnings(trail, settings);
    if (proxy.stateWarning !== undefined)
      trail.note({ event: 'config.warning', level: 'error', msg: proxy.stateWarning });
    return {
      url,
      operatorUrl,
      namedPorts: named.ports,
      proxy,
      swap: createReload(settings, trail, (next) => {
        proxy.swap(next);
        renewCertificate(app.server, next.server.tls);
        named.renew(next.server.byName);
      }),
      async close(graceMs = GRACE_MS) {
        trail.note({ event: 'proxy.stopping' });
        const { underWay, giveUp } = proxy;
        await drain({ app, underWay, refuse: () => proxy.stop(), giveUp, graceMs });
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
