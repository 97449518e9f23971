import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CPU_LOAD, freePort, hasProgram, type Program, start, untilAnswered } from './programs.ts';

/** The key pair of Binance's own documentation: it opens nothing. */
export const KEY = 'vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A';
export const SECRET = 'NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j';
/** What the apps of the bench know: a key that the proxy issued. */
export const CLIENT_KEY = 'benchBenchBenchBenchBenchBenchBenchBenchBenchBenchBenchBench0001';

export const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
export const BENCH = join(REPOSITORY, 'bench');
/** What is built once and kept: the load generator and the Go peer. */
const BUILT = join(REPOSITORY, 'node_modules', '.cache', 'bench');

const INSTALL =
  'apt-get install nginx libnginx-mod-http-js libnginx-mod-http-lua lua-resty-core haproxy golang-go libssl-dev gcc openssl';

/** Where this run puts its files; gone at its end. */
export function createWorkshop(): { folder: string; clear(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'signing-bench-'));
  return { folder, clear: () => rmSync(folder, { recursive: true, force: true }) };
}

/** The load generator, built when its source is newer. */
export function buildLoadGenerator(): string {
  if (!hasProgram('gcc') || !hasProgram('nginx')) {
    throw new Error(
      `The bench needs nginx (as the upstream) and gcc (for its load generator). On Debian:\n${INSTALL}`,
    );
  }
  const binary = join(BUILT, 'lg');
  build(binary, join(BENCH, 'tools', 'lg.c'), (source) => [
    'gcc',
    '-O2',
    '-o',
    binary,
    source,
    '-lssl',
    '-lcrypto',
  ]);
  return binary;
}

/** The relay with the delay of a distant peer, built when its source is newer. */
export function buildRelay(): string {
  const binary = join(BUILT, 'relay');
  build(binary, join(BENCH, 'tools', 'relay.c'), (source) => ['gcc', '-O2', '-o', binary, source]);
  return binary;
}

/** The Go peer; undefined where there is no Go. */
export function buildGoPeer(): string | undefined {
  if (!hasProgram('go')) return undefined;
  const binary = join(BUILT, 'goproxy');
  build(binary, join(BENCH, 'peers', 'go', 'main.go'), (source) => ['go', 'build', '-o', binary, source]);
  return binary;
}

/** A file of `peers/` with its `@NAME@` places filled, written into the workshop. */
export function fillIn(
  folder: string,
  name: string,
  from: string,
  values: Readonly<Record<string, string>>,
): string {
  const template = readFileSync(join(BENCH, 'peers', from), 'utf8');
  const path = join(folder, name);
  const all: Readonly<Record<string, string>> = {
    RUN: folder,
    USER: process.getuid?.() === 0 ? 'user root;' : '',
    ...values,
  };
  writeFileSync(
    path,
    template.replace(/@([A-Z0-9]+)@/g, (_, key: string) => all[key] ?? ''),
  );
  return path;
}

/** `load_module` lines for nginx; undefined when one of them is not installed. */
export function nginxModules(...names: readonly string[]): string | undefined {
  const folder = ['/usr/share/nginx/modules', '/usr/lib/nginx/modules', '/usr/lib64/nginx/modules'].find(
    existsSync,
  );
  const paths = names.map((name) => join(folder ?? '', `${name}_module.so`));
  return paths.every((path) => existsSync(path))
    ? paths.map((path) => `load_module ${path};`).join('\n')
    : undefined;
}

/** The upstream: plain and TLS, on the core of the load. */
export async function startUpstream(
  folder: string,
): Promise<{ plain: string; tls: string; caFile: string; program: Program }> {
  const caFile = join(folder, 'tls.crt');
  execFileSync(
    'openssl',
    [
      ...[
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
      ],
      ...['-keyout', join(folder, 'tls.key'), '-out', caFile, '-subj', '/CN=localhost'],
      ...['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
    ],
    { stdio: 'ignore' },
  );
  const port = String(await freePort());
  const tlsPort = String(await freePort());
  const config = fillIn(folder, 'upstream.conf', 'nginx/upstream.conf', { PORT: port, TLSPORT: tlsPort });
  const program = start(['nginx', '-p', folder, '-e', 'stderr', '-c', config], { cpu: CPU_LOAD });
  const plain = `http://127.0.0.1:${port}`;
  await untilAnswered(`${plain}/api/v3/time`, program);
  return { plain, tls: `https://localhost:${tlsPort}`, caFile, program };
}

function build(binary: string, source: string, command: (source: string) => readonly string[]): void {
  const stamp = `${binary}.source`;
  const text = readFileSync(source, 'utf8');
  if (existsSync(binary) && existsSync(stamp) && readFileSync(stamp, 'utf8') === text) return;
  mkdirSync(BUILT, { recursive: true });
  const [file = '', ...args] = command(source);
  execFileSync(file, args, { stdio: 'inherit' });
  writeFileSync(stamp, text);
}
