import { readdirSync, readFileSync } from 'node:fs';
import { BlockList } from 'node:net';
import { join } from 'node:path';
import Type, { type Static } from 'typebox';
import { Value } from 'typebox/value';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { makeCertificates } from '../../src/commands/certificate/make-certificates.ts';
import { loadSettings } from '../../src/config/load-settings.ts';
import { BINANCE_HOST_NAMES } from '../../src/core/binance-hosts.ts';
import { ACCOUNT, folderWith } from '../support/fixtures/config-folder.ts';

const root = new URL('../../', import.meta.url);
const closed = { additionalProperties: false };
const names = Type.Array(Type.String());
const environment = Type.Record(Type.String({ pattern: '^[A-Z_]+$' }), Type.String());

/** Those keys of the Compose specification that are in use here; any other is an error, a network alias above all. */
const Overlay = Type.Object(
  {
    services: Type.Object(
      {
        'signing-proxy': Type.Object(
          {
            environment,
            secrets: names,
            sysctls: Type.Record(Type.String(), Type.String()),
            networks: Type.Object({ apps: Type.Object({ ipv4_address: Type.String() }, closed) }, closed),
          },
          closed,
        ),
        app: Type.Object({ environment, secrets: names, extra_hosts: names }, closed),
      },
      closed,
    ),
    networks: Type.Object(
      {
        apps: Type.Object(
          {
            ipam: Type.Object(
              { config: Type.Tuple([Type.Object({ subnet: Type.String() }, closed)]) },
              closed,
            ),
          },
          closed,
        ),
      },
      closed,
    ),
    secrets: Type.Record(
      Type.String(),
      Type.Object({ file: Type.String({ pattern: '^\\./secrets/by-name/[\\w.-]+$' }) }, closed),
    ),
  },
  closed,
);

const text = readFileSync(new URL('docker-compose.by-name.yml', root), 'utf8');
const content: unknown = parse(text);
const { services, networks, secrets } = content as Static<typeof Overlay>;
const { app, 'signing-proxy': proxy } = services;
const base = parse(readFileSync(new URL('docker-compose.yml', root), 'utf8'), { merge: true }) as {
  readonly services: Readonly<
    Record<string, { readonly networks: readonly string[] | Readonly<Record<string, unknown>> }>
  >;
};

describe('docker-compose.by-name.yml', () => {
  it('The compose file by name keeps to the schema: hosts entries in the service of the app alone', () => {
    expect([...Value.Errors(Overlay, content)]).toEqual([]);
  });

  it('The compose file by name adds to services and networks that docker-compose.yml has', () => {
    expect(base.services.app?.networks).toEqual(['apps']);
    expect(base.services['signing-proxy']?.networks).toHaveProperty('apps');
  });

  it('The compose file by name leads every live name to the address of the proxy', () => {
    const { ipv4_address: address } = proxy.networks.apps;
    const live = BINANCE_HOST_NAMES.filter((name) => !/testnet|^demo-/.test(name));
    expect(app.extra_hosts).toEqual(live.map((name) => `${name}:${address}`));
    const [network = '', bits] = networks.apps.ipam.config[0].subnet.split('/');
    const subnet = new BlockList();
    subnet.addSubnet(network, Number(bits));
    expect(subnet.check(address)).toBe(true);
  });

  it('The compose file by name hands the app the authority and no key', () => {
    expect(app.secrets).toEqual(['authority_crt']);
    for (const variable of ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'REQUESTS_CA_BUNDLE'])
      expect(app.environment[variable]).toBe('/run/secrets/authority_crt');
    for (const name of [...app.secrets, ...proxy.secrets]) expect(Object.keys(secrets)).toContain(name);
  });

  it('The compose file by name configures a proxy that loads, on ports that its user may open', () => {
    const { authority, leaf } = makeCertificates(BINANCE_HOST_NAMES, Date.now());
    const files = { by_name_crt: leaf.cert, by_name_key: leaf.key, authority_crt: authority.cert };
    const cwd = folderWith(
      Object.fromEntries(Object.entries(files).map(([name, pem]) => [`run/secrets/${name}`, pem])),
    );
    const moved = Object.entries(proxy.environment).map(([name, value]) => [
      name,
      value.replace(/^\/(?=run\/)/, `${cwd}/`),
    ]);
    const env = {
      ...ACCOUNT,
      BINANCE_PROXY_HOST: '0.0.0.0',
      BINANCE_PROXY_CLIENT_KEY: 'K'.repeat(64),
      ...Object.fromEntries(moved),
    };
    const { byName } = loadSettings({ env, cwd }).server;
    expect(byName?.ports).toEqual([443, 9443]);
    const lowest = Number(proxy.sysctls['net.ipv4.ip_unprivileged_port_start']);
    expect(Math.min(...(byName?.ports ?? []))).toBeGreaterThanOrEqual(lowest);
    expect(readdirSync(join(cwd, 'run/secrets'))).toHaveLength(Object.keys(secrets).length);
  });

  it('The compose file by name says in its comment how its files are made', () => {
    expect(text).toContain('certificate new --out secrets/by-name\n');
    for (const { file } of Object.values(secrets))
      expect(['by-name.crt', 'by-name.key', 'authority.crt']).toContain(file.split('/').at(-1));
  });
});
