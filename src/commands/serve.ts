import closeWithGrace from 'close-with-grace';
import { loadSettings } from '../config/load-settings.ts';
import { ConfigError, formatProblems } from '../config/problems/config-error.ts';
import type { ConfigFileRole, ConfigFileState, Settings } from '../config/schema/settings.ts';
import { readEnvironment } from '../config/sources/read-environment.ts';
import { openLog } from '../proxy/log.ts';
import { type RunningProxy, startProxy } from '../proxy/start.ts';
import { command, EXIT } from './base/cli.ts';
import { startFailure } from './base/start-failure.ts';
import { SecretWatch } from './serve/secret-watch.ts';

const USAGE = `Usage: binance-signing-proxy serve

Signs and forwards with the configuration of the environment, .env and config/proxy.yaml.
SIGTERM and SIGINT finish what is under way and stop; SIGHUP (or the command "reload") reads secrets and configuration
again and refuses what would take a guard away; with BINANCE_PROXY_WATCH_SECRETS=1 a changed secret file does that by itself.
Exit code 78: the configuration is wrong, with one sentence per problem; 75: a port or folder is taken, or there is no
room on a disk, which may pass by itself.

Examples:
  binance-signing-proxy serve
  BINANCE_PROXY_ENVIRONMENT=testnet BINANCE_PROXY_LOG_LEVEL=warn binance-signing-proxy serve`;

/** Serves until it is told to stop. */
export const serve = command({ name: 'serve', usage: USAGE, options: {}, run: serveUntilStopped });

async function serveUntilStopped(): Promise<number> {
  let proxy: RunningProxy | undefined;
  // From here on: a signal that comes while the proxy starts must not kill it halfway.
  let watch: SecretWatch | undefined;
  const reload = () => proxy && swapIn(proxy, watch);
  process.on('SIGHUP', reload);
  const stopping = untilStopped(() => proxy);
  try {
    const settings = readSettings();
    if (settings.watchSecrets) watch = new SecretWatch(settings.secretFiles, reload);
    proxy = await startProxy({ settings, log: openLog(settings.logLevel), console });
    watch?.begin();
  } catch (error) {
    stopping.forget();
    const failure = startFailure(error);
    if (failure === undefined) throw error;
    process.stderr.write(`${failure.sentences}\n`);
    return failure.exitCode;
  }
  return stopping.ended;
}

function readSettings(): Settings {
  const cwd = process.cwd();
  const files = new Map<ConfigFileRole, ConfigFileState>();
  return loadSettings({ env: readEnvironment(cwd, process.env, files), cwd, files });
}

/** One snapshot in place of the other; a bad new one is refused and the old one kept. */
function swapIn(proxy: RunningProxy, watch: SecretWatch | undefined): void {
  const { trail } = proxy.proxy;
  try {
    const settings = readSettings();
    // Before anything is said: whoever waits for the record may write the next change at once.
    watch?.follow(settings.secretFiles);
    proxy.swap(settings);
  } catch (error) {
    trail.note({
      event: 'config.refused',
      msg: error instanceof ConfigError ? formatProblems(error) : 'unreadable',
    });
  }
}

/** Waits for the end from the first moment on; before the proxy runs, a signal ends the program at once. */
function untilStopped(proxy: () => RunningProxy | undefined): { ended: Promise<number>; forget(): void } {
  const { promise: ended, resolve } = Promise.withResolvers<number>();
  const { uninstall } = closeWithGrace(
    { delay: 9_500, skip: ['SIGHUP', 'SIGUSR2'], logger: false },
    async ({ err }) => {
      const running = proxy();
      if (err !== undefined) {
        const place = /src\/[\w./-]+:\d+/.exec(err.stack ?? '')?.[0];
        if (running === undefined) process.stderr.write(`${err.name} at ${place ?? 'unknown'}\n`);
        running?.proxy.trail.note({
          event: 'proxy.stopping',
          level: 'error',
          detail: { error: err.name, place },
        });
      }
      await running?.close();
      resolve(err === undefined ? EXIT.ok : EXIT.problem);
    },
  );
  return { ended, forget: uninstall };
}
