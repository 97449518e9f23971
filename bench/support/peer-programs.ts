import { join } from 'node:path';
import { CPU_PROXY, freePort, hasProgram, type Program, start, untilAnswered } from './programs.ts';
import { BENCH, buildGoPeer, fillIn, KEY, nginxModules, SECRET } from './workshop.ts';

/** Something between the load and the upstream. */
export interface Target {
  readonly name: string;
  readonly url: string;
  /** Undefined for the direct way. */
  readonly program: Program | undefined;
  /** True for what runs faster once it was compiled under load. */
  readonly needsWarmUp: boolean;
}

export interface Peer {
  readonly name: string;
  /** Starts it on its core; `upstream` is a plain origin. */
  start(folder: string, upstream: string): Promise<Target>;
}

const ENV = { BSP_KEY: KEY, BSP_SECRET: SECRET };
const NJS_LOCATION = `location / { if ($http_content_length != "") { rewrite ^ /_body$uri last; } proxy_pass http://up$uri?$signed; }
    location /_body/ { internal; rewrite ^/_body(/.*)$ $1 break; js_content main.body; }
    location /_up/ { internal; rewrite ^/_up(/.*)$ $1 break; proxy_pass http://up; }`;
const LUA_LOCATION = 'location / { access_by_lua_block { require("sign").go() } proxy_pass http://up; }';

/** The peers that this machine has; each only signs: no policy, no budgets, no records. */
export function findPeers(): { peers: readonly Peer[]; missing: readonly string[] } {
  const found: readonly [string, Peer['start'] | undefined][] = [
    ['nginx + njs', njs()],
    ['nginx + lua', lua()],
    ['HAProxy', hasProgram('haproxy') ? haproxy : undefined],
    ['Go ReverseProxy', go()],
    ['Fastify + undici.request', node('Fastify + undici.request', 'fastify-undici.ts')],
    ['Fastify + undici dispatch', node('Fastify + undici dispatch', 'fastify-dispatch.ts')],
  ];
  const peers: Peer[] = [];
  const missing: string[] = [];
  for (const [name, begin] of found) {
    if (begin === undefined) missing.push(name);
    else peers.push({ name, start: begin });
  }
  return { peers, missing };
}

function njs(): Peer['start'] | undefined {
  const modules = nginxModules('ngx_http_js');
  if (modules === undefined) return undefined;
  const script = `js_path "${join(BENCH, 'peers', 'nginx')}/"; js_import main from sign.js; js_set $signed main.args;`;
  return (folder, upstream) => nginx('nginx + njs', 'njs', folder, upstream, modules, script, NJS_LOCATION);
}

function lua(): Peer['start'] | undefined {
  const modules = nginxModules('ndk_http', 'ngx_http_lua');
  if (modules === undefined) return undefined;
  const script = `lua_package_path "${join(BENCH, 'peers', 'nginx')}/?.lua;/usr/share/lua/5.1/?.lua;;";`;
  return (folder, upstream) => nginx('nginx + lua', 'lua', folder, upstream, modules, script, LUA_LOCATION);
}

async function nginx(
  name: string,
  kind: string,
  folder: string,
  upstream: string,
  modules: string,
  script: string,
  location: string,
): Promise<Target> {
  const port = String(await freePort());
  const config = fillIn(folder, `${kind}.conf`, 'nginx/proxy.conf', {
    ...{ KIND: kind, PORT: port, UPSTREAM: hostOf(upstream), APIKEY: KEY },
    ...{ MODULES: modules, SCRIPT: script, LOCATION: location },
  });
  return ready(name, port, ['nginx', '-p', folder, '-e', 'stderr', '-c', config]);
}

async function haproxy(folder: string, upstream: string): Promise<Target> {
  const port = String(await freePort());
  const config = fillIn(folder, 'haproxy.cfg', 'haproxy/haproxy.cfg', {
    ...{ PORT: port, UPSTREAM: hostOf(upstream), APIKEY: KEY },
    SECRETB64: Buffer.from(SECRET).toString('base64'),
  });
  return ready('HAProxy', port, ['haproxy', '-f', config, '-db']);
}

function go(): Peer['start'] | undefined {
  const binary = buildGoPeer();
  if (binary === undefined) return undefined;
  return async (_folder, upstream) => {
    const port = String(await freePort());
    return ready('Go ReverseProxy', port, [binary], { PORT: port, UPSTREAM: upstream });
  };
}

function node(name: string, file: string): Peer['start'] {
  return async (_folder, upstream) => {
    const port = String(await freePort());
    const command = [process.execPath, join(BENCH, 'peers', file)];
    return ready(name, port, command, { PORT: port, UPSTREAM: upstream });
  };
}

async function ready(
  name: string,
  port: string,
  command: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Target> {
  const program = start(command, { cpu: CPU_PROXY, silent: true, env: { ...ENV, ...env } });
  const url = `http://127.0.0.1:${port}`;
  await untilAnswered(`${url}/api/v3/time`, program);
  return { name, url, program, needsWarmUp: command[0] === process.execPath };
}

function hostOf(origin: string): string {
  return origin.slice('http://'.length);
}
