import { parseArgs } from 'node:util';
import closeWithGrace from 'close-with-grace';
import { ConfigError, formatProblems } from '../config/config-error.ts';
import { loadSettings } from '../config/load-settings.ts';
import { readEnvironment } from '../config/read-environment.ts';
import type { Settings } from '../config/settings.ts';
import { openLog } from './log.ts';
import { PreflightError, type RunningProxy, startProxy } from './start-proxy.ts';

const HELP = `Usage: binance-signing-proxy serve

Signs and forwards with the configuration of the environment, .env and config/proxy.yaml.
SIGTERM and SIGINT finish what is under way and stop; SIGHUP reads secrets and configuration again.
Exit code 78: the configuration is wrong, with one sentence per problem.`;

/** Exit code of sysexits.h for a wrong configuration. */
export const EX_CONFIG = 78;

/** Serves until it is told to stop. */
export async function serve(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...argv], options: { help: { type: 'boolean', short: 'h' } } });
  if (values.help === true) {
    console.log(HELP);
    return 0;
  }
  let proxy: RunningProxy;
  try {
    const settings = readSettings();
    proxy = await startProxy({ settings, log: openLog(settings.logLevel) });
  } catch (error) {
    if (!(error instanceof ConfigError) && !(error instanceof PreflightError)) throw error;
    console.error(error instanceof ConfigError ? formatProblems(error) : error.message);
    return EX_CONFIG;
  }
  process.on('SIGHUP', () => reload(proxy));
  return untilStopped(proxy);
}

function readSettings(): Settings {
  const cwd = process.cwd();
  return loadSettings({ env: readEnvironment(cwd, process.env), cwd });
}

/** One snapshot in place of the other; a bad new one is refused and the old one kept. */
function reload(proxy: RunningProxy): void {
  const { trail } = proxy.line;
  try {
    proxy.swap(readSettings());
    trail.writeLenient({ event: 'config.loaded' });
  } catch (error) {
    trail.writeLenient({
      event: 'config.refused',
      msg: error instanceof ConfigError ? formatProblems(error) : 'unreadable',
    });
  }
}

function untilStopped(proxy: RunningProxy): Promise<number> {
  return new Promise((resolve) => {
    closeWithGrace({ delay: 12_000, skip: ['SIGHUP', 'SIGUSR2'], logger: false }, async ({ err }) => {
      if (err !== undefined) {
        const place = /src\/[\w./-]+:\d+/.exec(err.stack ?? '')?.[0];
        proxy.line.trail.writeLenient({
          event: 'proxy.stopping',
          level: 'error',
          detail: { error: err.name, place },
        });
      }
      await proxy.close();
      resolve(err === undefined ? 0 : 1);
    });
  });
}
