import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { send } from '../../support/clients/http.ts';
import { folderWith, messagesOf } from '../../support/fixtures/config-folder.ts';
import { makeThrowAwayCertificate } from '../../support/fixtures/throw-away-certificate.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET, type TestProxy } from '../../support/servers/proxy.ts';

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({ accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET }] });
});
afterAll(() => simulator.close());

async function startProxy(env: Readonly<Record<string, string>>): Promise<TestProxy> {
  const proxy = await startTestProxy({ upstream: simulator.url, env });
  onTestFinished(() => proxy.close());
  return proxy;
}

interface Where {
  readonly socketPath?: string;
  readonly host?: string;
  readonly port?: number;
  readonly ca?: string;
}

/** The status of a signed read over any kind of listener, and the certificate that was shown. */
function account(where: Where): Promise<{ status: number | undefined; serial: string | undefined }> {
  return new Promise((resolve, reject) => {
    const options = { ...where, path: '/api/v3/account', agent: false, headers: { host: 'localhost' } };
    const onResponse = (incoming: IncomingMessage) => {
      const { socket } = incoming;
      const serial =
        'getPeerX509Certificate' in socket
          ? (socket.getPeerX509Certificate as () => X509Certificate | undefined)()?.serialNumber
          : undefined;
      incoming.resume().on('end', () => resolve({ status: incoming.statusCode, serial }));
    };
    const outgoing =
      where.ca === undefined ? httpRequest(options, onResponse) : httpsRequest(options, onResponse);
    outgoing.on('error', reject).end();
  });
}

describe('a Unix socket', () => {
  it('A Unix socket serves who owns it and nobody else', async () => {
    const socketPath = join(folderWith(), 'proxy.sock');
    const proxy = await startProxy({ BINANCE_PROXY_SOCKET: socketPath });
    expect(proxy.url).toBe(socketPath);
    expect((await account({ socketPath })).status).toBe(200);
    const { mode } = statSync(socketPath);
    expect([statSync(socketPath).isSocket(), (mode & 0o777).toString(8)]).toEqual([true, '600']);
  });

  it('A Unix socket is given to its group when one is configured', async () => {
    const socketPath = join(folderWith(), 'proxy.sock');
    const group = String(process.getgid?.() ?? 0);
    await startProxy({ BINANCE_PROXY_SOCKET: socketPath, BINANCE_PROXY_SOCKET_GROUP: group });
    const { gid, mode } = statSync(socketPath);
    expect([gid, (mode & 0o777).toString(8)]).toEqual([Number(group), '660']);
  });

  it('A Unix socket finds its group by name', async () => {
    const socketPath = join(folderWith(), 'proxy.sock');
    const gid = process.getgid?.() ?? 0;
    const line = readFileSync('/etc/group', 'utf8')
      .split('\n')
      .find((each) => each.split(':')[2] === String(gid));
    await startProxy({ BINANCE_PROXY_SOCKET: socketPath, BINANCE_PROXY_SOCKET_GROUP: line!.split(':')[0]! });
    expect(statSync(socketPath).gid).toBe(gid);
  });

  it('A Unix socket takes the place of one that a killed process left behind', async () => {
    const socketPath = join(folderWith(), 'proxy.sock');
    writeFileSync(socketPath, '');
    await startProxy({ BINANCE_PROXY_SOCKET: socketPath });
    expect((await account({ socketPath })).status).toBe(200);
  });
});

describe('localhost', () => {
  it('The name localhost is 127.0.0.1 and ::1 on one port, and no other address', async () => {
    const { port } = await startProxy({});
    expect((await account({ host: '127.0.0.1', port })).status).toBe(200);
    const hasIpv6 = Object.values(networkInterfaces()).some((all) =>
      all?.some(({ address }) => address === '::1'),
    );
    const overIpv6 = await account({ host: '::1', port }).then(
      ({ status }) => status,
      (error: NodeJS.ErrnoException) => error.code,
    );
    expect(overIpv6).toBe(hasIpv6 ? 200 : overIpv6);
    if (!hasIpv6) expect(['EADDRNOTAVAIL', 'ENETUNREACH', 'ECONNREFUSED']).toContain(overIpv6);
    const elsewhere = await account({ host: '127.0.0.2', port }).catch(
      (error: NodeJS.ErrnoException) => error.code,
    );
    expect(elsewhere).toBe('ECONNREFUSED');
  });

  it('The proxy stops on both loopback addresses', async () => {
    const proxy = await startTestProxy({ upstream: simulator.url });
    await proxy.close();
    for (const host of ['127.0.0.1', '::1'])
      await expect(account({ host, port: proxy.port })).rejects.toThrow(
        /ECONNREFUSED|EADDRNOTAVAIL|ENETUNREACH/,
      );
  });
});

describe('TLS for apps', () => {
  function certificateFiles(folder: string) {
    const made = makeThrowAwayCertificate();
    writeFileSync(join(folder, 'tls.crt'), made.cert);
    writeFileSync(join(folder, 'tls.key'), made.key);
    return { ca: made.cert, key: made.key, serial: new X509Certificate(made.cert).serialNumber };
  }

  it('TLS for apps is spoken with the configured certificate, on both loopback addresses, and nothing else is', async () => {
    const folder = folderWith();
    const { ca, serial } = certificateFiles(folder);
    const proxy = await startProxy({
      BINANCE_PROXY_TLS_CERT_FILE: join(folder, 'tls.crt'),
      BINANCE_PROXY_TLS_KEY_FILE: join(folder, 'tls.key'),
    });
    expect(proxy.url).toMatch(/^https:\/\/localhost:\d+$/);
    const { port } = proxy;
    expect(await account({ host: 'localhost', port, ca })).toEqual({ status: 200, serial });
    await expect(send(port, '/api/v3/account')).rejects.toThrow();
  });

  it('TLS for apps takes a renewed certificate on reload, and keeps the old one when the new one is bad', async () => {
    const folder = folderWith();
    const first = certificateFiles(folder);
    const env = {
      BINANCE_PROXY_TLS_CERT_FILE: join(folder, 'tls.crt'),
      BINANCE_PROXY_TLS_KEY_FILE: join(folder, 'tls.key'),
    };
    const proxy = await startProxy(env);
    const { port } = proxy;
    const second = certificateFiles(folder);
    expect((await account({ host: 'localhost', port, ca: first.ca })).serial).toBe(first.serial);
    proxy.reload(env);
    expect((await account({ host: 'localhost', port, ca: second.ca })).serial).toBe(second.serial);
    writeFileSync(join(folder, 'tls.key'), first.key);
    expect(() => proxy.reload(env)).toThrow('BINANCE_PROXY_TLS_KEY_FILE names a key that does not belong');
    expect((await account({ host: 'localhost', port, ca: second.ca })).serial).toBe(second.serial);
  });

  it('A client that speaks no TLS is cut off without taking the listener down', async () => {
    const folder = folderWith();
    const { ca } = certificateFiles(folder);
    const { port } = await startProxy({
      BINANCE_PROXY_TLS_CERT_FILE: join(folder, 'tls.crt'),
      BINANCE_PROXY_TLS_KEY_FILE: join(folder, 'tls.key'),
    });
    await new Promise<void>((resolve) => {
      connect({ host: '127.0.0.1', port })
        .on('error', () => {})
        .on('close', () => resolve())
        .end('GET / HTTP/1.1\r\n\r\n');
    });
    expect((await account({ host: 'localhost', port, ca })).status).toBe(200);
  });

  it.each([
    [
      'a certificate alone',
      { BINANCE_PROXY_TLS_CERT_FILE: 'tls.crt' },
      /TLS_CERT_FILE has an effect together with the file of the key/,
    ],
    [
      'a key alone',
      { BINANCE_PROXY_TLS_KEY_FILE: 'tls.key' },
      /TLS_KEY_FILE has an effect together with the file of the certificate/,
    ],
    [
      'a file that is not there',
      { BINANCE_PROXY_TLS_CERT_FILE: 'tls.crt', BINANCE_PROXY_TLS_KEY_FILE: 'none' },
      /TLS_KEY_FILE names a file that cannot be read \(ENOENT\)/,
    ],
    [
      'the files the wrong way round',
      { BINANCE_PROXY_TLS_CERT_FILE: 'tls.key', BINANCE_PROXY_TLS_KEY_FILE: 'tls.crt' },
      /TLS_CERT_FILE names a file without a valid PEM certificate/,
    ],
    [
      'TLS on a Unix socket',
      {
        BINANCE_PROXY_TLS_CERT_FILE: 'tls.crt',
        BINANCE_PROXY_TLS_KEY_FILE: 'tls.key',
        BINANCE_PROXY_SOCKET: 'p.sock',
      },
      /TLS_CERT_FILE has no effect on a Unix socket/,
    ],
  ])('The configuration reports %s', (_what, env, sentence) => {
    const { cert, key } = makeThrowAwayCertificate();
    const account = { BINANCE_API_KEY: TEST_KEY, BINANCE_API_SECRET: TEST_SECRET };
    const messages = messagesOf({ ...account, ...env }, { 'tls.crt': cert, 'tls.key': key });
    expect(messages).toContainEqual(expect.stringMatching(sentence));
    for (const message of messages) expect(message).not.toContain('BEGIN');
  });
});
