import { readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { folderWith } from '../support/fixtures/config-folder.ts';
import { type Ended, runToEnd } from '../support/processes/child.ts';

const SCRIPT = fileURLToPath(new URL('../../scripts/build-package.ts', import.meta.url));
/** A loaded machine takes long for npm. */
const LONG_MS = 180_000;

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

interface Manifest {
  readonly [field: string]: unknown;
  readonly optionalDependencies: Readonly<Record<string, string>>;
}

function readManifest(path: string | URL): Manifest {
  return JSON.parse(readFileSync(path, 'utf8')) as Manifest;
}

/** npm without the registry, which finds the Node that runs this test. */
function npm(cwd: string, ...args: readonly string[]): Promise<Ended> {
  const path = [dirname(process.execPath), process.env.PATH ?? ''].join(delimiter);
  const env = { PATH: path, HOME: cwd, npm_config_offline: 'true', npm_config_update_notifier: 'false' };
  return runToEnd(args, { cwd, env, command: 'npm' });
}

it('The package may be published, with its provenance', () => {
  const manifest = readManifest(new URL('../../package.json', import.meta.url));
  expect(manifest).not.toHaveProperty('private');
  expect(manifest).toMatchObject({ publishConfig: { provenance: true }, license: 'MIT' });
});

it(
  'What npm packs is installed without any other package, and plays the demo by npx',
  async () => {
    const cwd = folderWith({ 'app/package.json': '{}' });
    const folder = join(cwd, 'package');
    expect((await runToEnd([SCRIPT, '--dir', folder], { cwd })).code).toBe(0);
    const manifest = readManifest(join(folder, 'package.json'));
    expect(manifest).not.toHaveProperty('dependencies');
    expect(manifest).not.toHaveProperty('scripts');
    expect(Object.keys(manifest.optionalDependencies)).toContain(`node-${process.platform}-${process.arch}`);

    const { code, stdout } = await npm(cwd, 'pack', '--json', './package');
    expect(code).toBe(0);
    const [packed] = JSON.parse(stdout) as [Packed];
    expectWhole(packed.files.map(({ path }) => path));

    const app = join(cwd, 'app');
    const install = await npm(app, 'install', '--omit=optional', join(cwd, packed.filename));
    expect([install.code, install.stdout]).toEqual([0, expect.stringContaining('added 1 package')]);

    const demo = await npm(app, 'exec', '--no', 'binance-signing-proxy', 'demo');
    expect([demo.code, demo.stderr]).toEqual([0, '']);
    expect(demo.stdout).toMatch(
      /(\d+) of \1 signed requests verified at the exchange; withdrawals there: 0\./,
    );
    const serve = await npm(app, 'exec', '--no', 'binance-signing-proxy', 'serve');
    expect([serve.code, serve.stderr]).toEqual([78, expect.stringContaining('BINANCE_API_KEY is not set')]);
  },
  LONG_MS,
);

function expectWhole(paths: readonly string[]): void {
  expect(paths).toEqual(
    expect.arrayContaining([
      'bin/binance-signing-proxy.mjs',
      'dist/program/main.js',
      'dist/program/budget.lua',
      'dist/THIRD-PARTY-LICENSES',
      'config/catalogue/spot.json',
      'LICENSE',
      'README.md',
    ]),
  );
  expect(paths.filter((path) => /\.ts$|^(?:src|test|bench|scripts)\/|\.env$|\.pem$/.test(path))).toEqual([]);
}
