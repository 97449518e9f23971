import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { CONNECTORS, type Connector } from './connectors.ts';
import { type Called, CLIENT_FILES, calledByCcxt, calledByClient } from './libraries.ts';

const OWN = fileURLToPath(new URL('../../', import.meta.url));
const LIBRARIES = ['ccxt', 'binance'] as const;

/** A folder with `node_modules`, of which the sources are read. */
export interface Sources {
  readonly connectors: readonly Connector[];
  sourceOf(connector: Connector): string;
  versionOf(name: string): string;
  /** What ccxt and the package `binance` call. */
  libraries(): Promise<{ readonly ccxt: readonly Called[]; readonly binance: readonly Called[] }>;
}

/** What is installed with the program. */
export function installedSources(): Sources {
  return sourcesIn(
    OWN,
    CONNECTORS.filter(({ isInstalled }) => isInstalled),
  );
}

/** The newest of everything, fetched from the npm registry into a folder of its own. Nothing of it is run at install. */
export function latestSources(): Sources {
  const folder = mkdtempSync(join(tmpdir(), 'catalogue-check-'));
  const names = [...CONNECTORS.map(({ name }) => name), ...LIBRARIES].map((name) => `${name}@latest`);
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error'];
  execFileSync('npm', ['install', '--prefix', folder, ...flags, ...names], { stdio: 'inherit' });
  return sourcesIn(folder, CONNECTORS);
}

function sourcesIn(folder: string, connectors: readonly Connector[]): Sources {
  const read = (...path: string[]): string => readFileSync(join(folder, 'node_modules', ...path), 'utf8');
  return {
    connectors,
    sourceOf: ({ name }) => read(name, 'dist', 'index.mjs'),
    versionOf: (name) => (JSON.parse(read(name, 'package.json')) as { version: string }).version,
    async libraries() {
      const entry = pathToFileURL(join(folder, 'node_modules', 'ccxt', 'js', 'ccxt.js')).href;
      const { binance: Exchange } = (await import(entry)) as typeof import('ccxt');
      const exchange = new Exchange();
      const clients = Object.entries(CLIENT_FILES);
      return {
        ccxt: calledByCcxt(exchange.api, exchange.urls.api as Readonly<Record<string, unknown>>),
        binance: clients.flatMap(([file, upstream]) =>
          calledByClient(read('binance', 'lib', file), upstream),
        ),
      };
    },
  };
}
