import { readFileSync } from 'node:fs';

interface LockedPackage {
  readonly version?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly optional?: boolean;
}

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
}

/** Why each package that the program itself imports is there. */
const PURPOSES: ReadonlyMap<string, string> = new Map([
  ['@clack/prompts', 'questions of `init`, progress of long readings'],
  ['@fastify/rate-limit', 'requests per second of each client'],
  ['@fastify/websocket', 'WebSocket connections of apps'],
  ['@peculiar/asn1-schema', 'writes the structures of X.509'],
  ['@peculiar/asn1-x509', '`certificate new`: certificates and their extensions'],
  ['close-with-grace', 'an orderly end on SIGTERM'],
  ['decimal.js', 'prices and quantities, never as floats'],
  ['dotenv', 'reads `.env`'],
  ['fastify', 'HTTP server'],
  ['htm', 'templates of the console'],
  ['ioredis', 'shared budgets'],
  ['lru-cache', 'which kept answers leave first when memory is full'],
  ['pino', 'log lines'],
  ['preact', 'what the console is drawn with'],
  ['prom-client', '`/metrics`'],
  ['socks', 'connections through a SOCKS5 proxy, loaded where one is configured'],
  ['typebox', 'schema of the configuration'],
  ['uplot', 'lines of the console'],
  ['undici', 'connections to Binance'],
  ['ws', 'WebSocket connections to Binance'],
  ['yaml', 'reads the configuration file, with line and column'],
]);

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')) as T;
}

/** docs/dependencies.md: everything that the image can hold parts of, with its licence. */
export function printDependencyTable(): string {
  const { dependencies, optionalDependencies } = readJson<Manifest>('package.json');
  const { packages } = readJson<{ packages: Readonly<Record<string, LockedPackage>> }>('package-lock.json');
  const shipped = Object.entries(packages)
    .filter(
      ([path, { dev, devOptional, optional }]) => path !== '' && !(dev ?? devOptional ?? optional ?? false),
    )
    .map(([path, { version = '', license = 'unknown' }]) => ({
      name: path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
      version,
      license,
    }))
    .toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.version < b.version ? -1 : 1));
  const direct = shipped.filter(({ name, version }) => dependencies[name] === version);
  const counts = Map.groupBy(shipped, ({ license }) => license);
  const licences = [...counts]
    .toSorted(([, a], [, b]) => b.length - a.length)
    .map(([license, all]) => `${license} (${all.length})`);
  const nodes = Object.keys(optionalDependencies).map((name) => `\`${name}\``);
  const [version = ''] = Object.values(optionalDependencies);
  return `# Dependencies

Written by \`node scripts/write-dependency-table.ts\` from package.json and package-lock.json; a test keeps it fresh.
Versions are exact, the lockfile pins each with its hash, and \`npm ci\` installs nothing else.

No package runs an install script: the lockfile names none (\`node scripts/tidy-lockfile.ts\`), and the image is built with
\`--ignore-scripts\`. The Node that runs everything here, ${version}, is a package like the others, one for each kind of machine:
${nodes.join(', ')}. It brings its licence with it.

The image has no \`node_modules\`: \`npm run build\` puts those parts of the packages that the program uses into its own
files, and their licences into \`dist/THIRD-PARTY-LICENSES\`.

## What the program imports

${markdownTable(
  ['package', 'version', 'licence', 'for'],
  direct.map(({ name, version, license }) => [name, version, license, PURPOSES.get(name) ?? '']),
)}

## Everything that it can be built from

${shipped.length} packages: ${licences.join(', ')}.

${markdownTable(
  ['package', 'version', 'licence'],
  shipped.map(({ name, version, license }) => [name, version, license]),
)}
`;
}

/** Padded as the formatter pads it. */
function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, at) =>
    Math.max(title.length, ...rows.map((row) => (row[at] ?? '').length)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`;
  return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...rows.map(line)].join(
    '\n',
  );
}
