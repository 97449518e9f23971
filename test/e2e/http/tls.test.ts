import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { send } from '../../support/clients/http.ts';
import { startTestProxy } from '../../support/servers/proxy.ts';
import { startUpstream, type Upstream } from '../../support/servers/upstream.ts';

let folder: string;

/** A self-signed certificate for one address, made by openssl. */
function certificate(name: string, subject: string): { key: string; cert: string; certFile: string } {
  const [keyFile, certFile] = [join(folder, `${name}.key`), join(folder, `${name}.crt`)];
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '2',
      '-subj',
      '/CN=test',
      '-addext',
      `subjectAltName=${subject}`,
      '-keyout',
      keyFile,
      '-out',
      certFile,
    ],
    { stdio: 'ignore' },
  );
  return { key: readFileSync(keyFile, 'utf8'), cert: readFileSync(certFile, 'utf8'), certFile };
}

let right: ReturnType<typeof certificate>;
let wrongName: ReturnType<typeof certificate>;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'signing-proxy-tls-'));
  right = certificate('right', 'IP:127.0.0.1');
  wrongName = certificate('wrong', 'DNS:api.binance.com');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function ask(upstream: Upstream, env: Record<string, string>) {
  const proxy = await startTestProxy({ upstream: upstream.url, env });
  try {
    return await send(proxy.port, '/api/v3/depth?symbol=A');
  } finally {
    await proxy.close();
  }
}

describe('TLS to the upstream', () => {
  it('TLS to the upstream works with a certificate that is vouched for', async () => {
    const upstream = await startUpstream({ tls: right });
    const reply = await ask(upstream, { BINANCE_PROXY_UPSTREAM_CA_FILE: right.certFile });
    await upstream.close();
    expect([reply.status, upstream.received.length]).toEqual([200, 1]);
  });

  it.each([
    ['nobody vouches for', () => right, {}],
    ['is another host’s', () => wrongName, () => ({ BINANCE_PROXY_UPSTREAM_CA_FILE: wrongName.certFile })],
  ])(
    'TLS to the upstream refuses a certificate that %s, also when the environment says not to verify',
    async (_what, cert, env) => {
      const upstream = await startUpstream({ tls: cert() });
      const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
      process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
      try {
        const reply = await ask(upstream, typeof env === 'function' ? env() : env);
        expect([
          reply.status,
          reply.json?.code,
          reply.headers['x-proxy-outcome'],
          reply.headers['x-proxy-error'],
        ]).toEqual([502, -1001, 'not-sent', 'PROXY_UPSTREAM_UNREACHABLE']);
        expect(upstream.received).toEqual([]);
      } finally {
        if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
        else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
        await upstream.close();
      }
    },
  );
});
