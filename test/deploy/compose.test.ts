import { existsSync, readFileSync } from 'node:fs';
import { parse as parseDotenv } from 'dotenv';
import Type, { type Static } from 'typebox';
import { Value } from 'typebox/value';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadSettings } from '../../src/config/load-settings.ts';
import { ACCOUNT, folderWith, messagesOf } from '../support/fixtures/config-folder.ts';

const root = new URL('../../', import.meta.url);
const closed = { additionalProperties: false };
const names = Type.Array(Type.String());
const size = Type.String({ pattern: '^\\d+m$' });

/** Those keys of the Compose specification that are in use here; any other is an error. */
const Service = Type.Object(
  {
    image: Type.String({ pattern: '^[a-z0-9./-]+(?::[\\w.-]+)?$' }),
    build: Type.Optional(Type.Literal('.')),
    profiles: Type.Optional(names),
    user: Type.Optional(Type.String({ pattern: '^[1-9]\\d*:[1-9]\\d*$' })),
    command: Type.Optional(names),
    environment: Type.Optional(Type.Record(Type.String({ pattern: '^[A-Z_]+$' }), Type.String())),
    secrets: Type.Optional(names),
    volumes: Type.Optional(Type.Array(Type.String({ pattern: '^[\\w./-]+:/[\\w./-]+(?::ro)?$' }))),
    tmpfs: Type.Optional(names),
    networks: names,
    mem_limit: size,
    cpus: Type.Optional(Type.Number()),
    pids_limit: Type.Integer({ maximum: 256 }),
    restart: Type.String({ pattern: '^(?:unless-stopped|on-failure:\\d)$' }),
    read_only: Type.Literal(true),
    cap_drop: Type.Tuple([Type.Literal('ALL')]),
    security_opt: Type.Tuple([Type.Literal('no-new-privileges:true')]),
    ulimits: Type.Object({ core: Type.Literal(0) }, closed),
    logging: Type.Object(
      {
        driver: Type.Literal('local'),
        options: Type.Object({ 'max-size': size, 'max-file': Type.String({ pattern: '^\\d$' }) }, closed),
      },
      closed,
    ),
    stop_grace_period: Type.Optional(Type.String({ pattern: '^\\d+s$' })),
    depends_on: Type.Optional(
      Type.Record(Type.String(), Type.Object({ condition: Type.Literal('service_healthy') }, closed)),
    ),
  },
  closed,
);
const Compose = Type.Object(
  {
    name: Type.String({ pattern: '^[a-z0-9][a-z0-9_-]*$' }),
    'x-hardened': Type.Unknown(),
    services: Type.Record(Type.String({ pattern: '^[a-z-]+$' }), Service),
    networks: Type.Record(
      Type.String(),
      Type.Object({ internal: Type.Optional(Type.Literal(true)) }, closed),
    ),
    volumes: Type.Record(Type.String(), Type.Object({}, closed)),
    secrets: Type.Record(
      Type.String(),
      Type.Object({ file: Type.String({ pattern: '^\\./secrets/\\w+$' }) }, closed),
    ),
  },
  closed,
);

const text = readFileSync(new URL('docker-compose.yml', root), 'utf8');
const content: unknown = parse(text, { merge: true });
const compose = content as Static<typeof Compose>;
const proxy = compose.services['signing-proxy']!;

describe('docker-compose.yml', () => {
  it('The compose file keeps to the schema: every service hardened, limited and with rotated logs', () => {
    expect([...Value.Errors(Compose, content)]).toEqual([]);
  });

  it('The compose file defines every network, volume, secret and file that a service names', () => {
    for (const service of Object.values(compose.services)) {
      for (const name of service.networks) expect(Object.keys(compose.networks)).toContain(name);
      for (const name of service.secrets ?? []) expect(Object.keys(compose.secrets)).toContain(name);
      for (const volume of service.volumes ?? []) {
        const [source = ''] = volume.split(':');
        if (source.startsWith('./'))
          expect([source, existsSync(new URL(source, root))]).toEqual([source, true]);
        else expect(Object.keys(compose.volumes)).toContain(source);
      }
      for (const value of Object.values(service.environment ?? {})) {
        const secret = /^\/run\/secrets\/(\w+)$/.exec(value)?.[1];
        if (secret !== undefined) expect(service.secrets).toContain(secret);
      }
    }
  });

  it('The compose file gives nobody but the proxy a way out, and publishes no port', () => {
    const open = Object.keys(compose.networks).filter((name) => compose.networks[name]?.internal !== true);
    expect(open).toEqual(['out']);
    for (const [name, service] of Object.entries(compose.services))
      expect([name, service.networks.includes('out')]).toEqual([name, name === 'signing-proxy']);
  });

  it('The compose file hands the Binance key to nobody but the proxy, and as files only', () => {
    for (const [name, service] of Object.entries(compose.services)) {
      const holds = (service.secrets ?? []).filter((secret) => secret.startsWith('binance_'));
      expect([name, holds.length]).toEqual([name, name === 'signing-proxy' ? 2 : 0]);
      for (const [variable, value] of Object.entries(service.environment ?? {}))
        expect([variable, /(?:KEY|SECRET|PASSPHRASE)$/.test(variable) && value !== '']).toEqual([
          variable,
          false,
        ]);
    }
  });

  it('The compose file configures a proxy that loads, open to the other services with client keys only', () => {
    const cwd = folderWith({
      ...Object.fromEntries(
        Object.keys(compose.secrets).map((name) => [`run/secrets/${name}`, `${name}-0123456789`]),
      ),
      'etc/binance-proxy/denylist.yaml': 'deny: [{ path: /sapi/v1/convert/**, reason: by hand }]',
    });
    const environment = Object.entries(proxy.environment ?? {}).map(([name, value]) => [
      name,
      value.replace(/^\$\{\w+:-(.*)\}$/, '$1').replace(/^\/(?=run\/|etc\/)/, `${cwd}/`),
    ]);
    const env = { BINANCE_PROXY_HOST: '0.0.0.0', ...Object.fromEntries(environment) };
    const settings = loadSettings({ env, cwd });
    expect(settings.environment).toBe('testnet');
    expect(settings.clientsByKeyDigest.size).toBe(1);
    expect(settings.denylist).toHaveLength(1);
    expect(settings.server.allowedHosts).toEqual(['signing-proxy']);
    expect(() => loadSettings({ cwd, env: { ...env, BINANCE_PROXY_CLIENT_KEY_FILE: '' } })).toThrow(
      /client key/i,
    );
  });

  it('The compose file carries the denylist of the checkout as a path that the proxy may read and has to find', () => {
    const path = proxy.environment?.BINANCE_PROXY_DENYLIST ?? '';
    expect(proxy.volumes).toContain(`./config/denylist.yaml:${path}:ro`);
    expect(path).toMatch(/^\/etc\/binance-proxy\//);
    const env = { ...Object.fromEntries(Object.entries(ACCOUNT)), BINANCE_PROXY_DENYLIST: path };
    expect(messagesOf(env)).toEqual([
      'BINANCE_PROXY_DENYLIST names a file that cannot be read (ENOENT): a readable YAML file is needed there.',
    ]);
  });

  it('The compose file gives the proxy more time to stop than it takes for what is in flight', () => {
    expect(Number.parseInt(proxy.stop_grace_period ?? '', 10)).toBeGreaterThan(12);
  });

  it('The compose file says in its comment how each secret file is made', () => {
    for (const { file } of Object.values(compose.secrets))
      expect(text).toContain(`> ${file.replace('./', '')}\n`);
    expect(parseDotenv(text)).not.toHaveProperty('BINANCE_API_SECRET');
  });
});
