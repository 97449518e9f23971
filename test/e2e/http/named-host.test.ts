import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Listener, rawRequest, rawUpgrade } from '../../support/clients/raw-upgrade.ts';
import { folderWith } from '../../support/fixtures/config-folder.ts';
import { startTestProxy, type TestProxy } from '../../support/servers/proxy.ts';
import { startWsUpstream, type WsUpstream, wsEnv } from '../../support/servers/ws-upstream.ts';

const READER_KEY = 'r8Lq2-Xz7_vB'.repeat(3);
const YAML = 'clients:\n  reader: { account: main, envPrefix: READER, permissions: [market-data, read] }\n';
const ASKED = '/api/v3/time';

let upstream: WsUpstream;
let proxy: TestProxy;
beforeAll(async () => {
  upstream = await startWsUpstream();
  proxy = await start({});
});
afterAll(async () => {
  await proxy.close();
  await upstream.close();
});

function start(env: Readonly<Record<string, string>>): Promise<TestProxy> {
  const all = { ...wsEnv(upstream), READER_CLIENT_KEY: READER_KEY, ...env };
  return startTestProxy({ upstream: upstream.url, env: all, yaml: YAML });
}

async function onUnixSocket(): Promise<Listener> {
  const socketPath = join(folderWith(), 'proxy.sock');
  const local = await start({ BINANCE_PROXY_SOCKET: socketPath });
  onTestFinished(() => local.close());
  return { socketPath };
}

const sent = () => upstream.restTargets.length + upstream.targets.length;

describe('a browser at a Unix socket', () => {
  it.each([
    ['an Origin', ['Host: unix', 'Origin: http://evil.example']],
    ['the Origin of its own Host', ['Host: unix', 'Origin: http://unix']],
    ['the Origin of a page that was forwarded', ['Host: evil.example', 'Origin: http://evil.example']],
    ['the Origin null', ['Host: unix', 'Origin: null']],
    ['an Origin without a Host', ['Origin: http://localhost']],
    ['Sec-Fetch-Site', ['Host: unix', 'Sec-Fetch-Site: same-origin']],
    [
      'Sec-Fetch-Site and a trusted Host',
      ['Host: localhost', 'Origin: http://localhost', 'Sec-Fetch-Site: none'],
    ],
  ])('A browser with %s is refused there', async (_what, lines) => {
    const listener = await onUnixSocket();
    const before = sent();
    expect(await rawRequest(listener, ASKED, lines)).toMatchObject({ status: 403, code: -1002 });
    for (const path of ['/ws/btcusdt@trade', '/ws-api/v3', `/private/ws/${'k'.repeat(64)}`])
      expect(await rawUpgrade(listener, path, lines)).toMatchObject({ status: 403, code: -1002 });
    expect(sent()).toBe(before);
  });
});

describe('a program at a Unix socket', () => {
  it.each([
    ['unix', ['Host: unix']],
    ['docker', ['Host: docker']],
    ['a name of the world', ['Host: api.binance.com:443']],
    ['what is no name', ['Host: /run/proxy.sock']],
    ['nothing', ['Host: ']],
  ])('The Host %s says nothing there', async (_what, lines) => {
    const listener = await onUnixSocket();
    expect(await rawRequest(listener, ASKED, lines)).toMatchObject({ status: 200 });
    expect(await rawUpgrade(listener, '/ws/btcusdt@trade', lines)).toMatchObject({ status: 101 });
  });

  it('A request without any Host is served there, by either version of HTTP', async () => {
    const listener = await onUnixSocket();
    expect(await rawRequest(listener, ASKED, [])).toMatchObject({ status: 200 });
    expect(await rawUpgrade(listener, '/ws/btcusdt@trade', [])).toMatchObject({ status: 101 });
  });

  it('The Origin that a library makes of a trusted Host is known there as well', async () => {
    const lines = ['Host: localhost', 'Origin: http://localhost'];
    const listener = await onUnixSocket();
    expect(await rawUpgrade(listener, '/ws/btcusdt@trade', lines)).toMatchObject({ status: 101 });
  });

  it('A key is asked for there as anywhere', async () => {
    const listener = await onUnixSocket();
    expect(await rawRequest(listener, '/api/v3/account', ['Host: unix'])).toMatchObject({
      status: 401,
      code: -2014,
    });
  });
});

describe('a Host that is not served', () => {
  const refusals = () => proxy.records('call.refused').filter(({ error }) => error === 'PROXY_UNKNOWN_HOST');

  it.each([
    ['signing-proxy', 'signing-proxy'],
    ['signing_proxy:8080', 'signing_proxy:8080'],
    ['Proxy.Internal', 'Proxy.Internal'],
    ['[fd00::1]:8080', '[fd00::1]:8080'],
  ])('The Host %s is named, with the variable that allows it, in answer and record', async (host, shown) => {
    const before = sent();
    for (const answer of [
      await rawRequest(proxy, ASKED, [`Host: ${host}`]),
      await rawUpgrade(proxy, '/ws-api/v3', [`Host: ${host}`]),
    ]) {
      expect(answer).toMatchObject({ status: 421, code: -1000 });
      const { msg } = JSON.parse(answer.text.slice(answer.text.indexOf('{'))) as { msg: string };
      expect(msg).toContain(shown);
      expect(msg).toContain('BINANCE_PROXY_ALLOWED_HOSTS');
      expect(refusals().at(-1)).toMatchObject({ msg, rule: 'host' });
    }
    expect(sent()).toBe(before);
  });

  it('No Host is told from a foreign one', async () => {
    for (const lines of [[], ['Host: ']]) {
      const { status, text } = await rawRequest(proxy, ASKED, lines);
      expect(status).toBe(421);
      expect(text).toContain('No Host was named');
      expect(text).toContain('BINANCE_PROXY_ALLOWED_HOSTS');
    }
  });

  it.each([
    ['a line of its own', 'a\tb"c\\d'],
    ['markup', '<script>alert(1)</script>'],
    ['escape sequences', 'a\x1b[31mred'.replace('\x1b', '%1b')],
    ['bytes beyond ASCII', 'pr\u00f6xy.ex\u00e4mple'],
    ['an endless name', 'a'.repeat(20_000)],
  ])('A Host of %s is shown as a short text that does no harm', async (_what, host) => {
    // Of a flood ten refusals a second have records of their own.
    await pause(1_100);
    const { status, text } = await rawRequest(proxy, ASKED, [`Host: ${host}`]);
    expect(status).toBe(421);
    const { msg } = JSON.parse(text.slice(text.indexOf('{'))) as { msg: string };
    expect(msg).toMatch(/^[A-Za-z0-9 ._:[\]*~?-]{40,250}$/);
    expect(refusals().at(-1)?.msg).toBe(msg);
  });

  it('A key that stands where a Host belongs is in no answer and in no line', async () => {
    for (const host of [READER_KEY, `${READER_KEY}.example`, 'K'.repeat(64), `x.${'aB3'.repeat(25)}`]) {
      const { status, text } = await rawRequest(proxy, ASKED, [`Host: ${host}`]);
      expect(status).toBe(421);
      const secret = host.includes(READER_KEY) ? READER_KEY : (/[A-Za-z0-9]{60,}/.exec(host)?.[0] ?? '');
      expect(text).not.toContain(secret);
      expect(proxy.lines.join('\n')).not.toContain(secret);
    }
  });
});
