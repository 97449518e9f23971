import { existsSync, readFileSync } from 'node:fs';
import { parse as parseDotenv } from 'dotenv';
import Type, { type Static } from 'typebox';
import { Value } from 'typebox/value';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadSettings } from '../../src/config/load-settings.ts';
import { ACCOUNT, folderWith, messagesOf } from '../support/fixtures/config-folder.ts';
import { argsOf, execForm, readDockerfile, stageOf } from '../support/images/dockerfile.ts';

const root = new URL('../../', import.meta.url);
const closed = { additionalProperties: false };
const names = Type.Array(Type.String());
const size = Type.String({ pattern: '^\\d+m$' });

const Network = Type.Object({ aliases: Type.Optional(names) }, closed);
const HealthCheck = Type.Object(
  {
    test: names,
    interval: Type.String(),
    timeout: Type.String(),
    start_period: Type.String(),
    retries: Type.Integer(),
  },
  closed,
);

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
    networks: Type.Optional(Type.Union([names, Type.Record(Type.String(), Network)])),
    network_mode: Type.Optional(Type.String({ pattern: '^service:[a-z-]+$' })),
    ports: Type.Optional(Type.Array(Type.String({ pattern: '^127\\.0\\.0\\.1:\\d+:\\d+$' }))),
    healthcheck: Type.Optional(
      Type.Union([HealthCheck, Type.Object({ disable: Type.Literal(true) }, closed)]),
    ),
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
      Type.Record(
        Type.String(),
        Type.Object(
          { condition: Type.Union([Type.Literal('service_healthy'), Type.Literal('service_started')]) },
          closed,
        ),
      ),
    ),
  },
  closed,
);
const Compose = Type.Object(
  {
    name: Type.String({ pattern: '^[a-z0-9][a-z0-9_-]*$' }),
    'x-hardened': Type.Unknown(),
    'x-proxy': Type.Unknown(),
    'x-app': Type.Unknown(),
    services: Type.Record(Type.String({ pattern: '^[a-z-]+$' }), Service),
    networks: Type.Record(
      Type.String(),
      Type.Object(
        {
          internal: Type.Optional(Type.Literal(true)),
          driver_opts: Type.Optional(
            Type.Object({ 'com.docker.network.bridge.enable_ip_masquerade': Type.Literal('false') }, closed),
          ),
        },
        closed,
      ),
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
const tried = compose.services['try-proxy']!;
type AnyService = Static<typeof Service>;

function networksOf({ networks = [] }: AnyService): readonly string[] {
  return Array.isArray(networks) ? networks : Object.keys(networks);
}

function aliasesOn({ networks = {} }: AnyService, network: string): readonly string[] {
  return Array.isArray(networks) ? [] : (networks[network]?.aliases ?? []);
}

describe('docker-compose.yml', () => {
  it('The compose file keeps to the schema: every service hardened, limited and with rotated logs', () => {
    expect([...Value.Errors(Compose, content)]).toEqual([]);
  });

  it('The compose file defines every network, volume, secret and file that a service names', () => {
    for (const service of Object.values(compose.services)) {
      for (const name of networksOf(service)) expect(Object.keys(compose.networks)).toContain(name);
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

  it('The compose file gives nobody but the proxy a way out, and publishes Prometheus to the host alone', () => {
    const open = Object.keys(compose.networks).filter((name) => compose.networks[name]?.internal !== true);
    expect(open).toEqual(['desk', 'out']);
    expect(compose.networks.desk?.driver_opts).toBeDefined();
    for (const [name, service] of Object.entries(compose.services)) {
      const ways = networksOf(service).filter((network) => open.includes(network));
      const expected = { 'signing-proxy': ['out'], prometheus: ['desk'] }[name] ?? [];
      expect([name, ways, service.ports !== undefined]).toEqual([name, expected, name === 'prometheus']);
    }
  });

  it('The compose file has the operator listener on a network of which no app is', () => {
    for (const each of [proxy, tried]) {
      expect(each.environment?.BINANCE_PROXY_OPERATOR_HOST).toBe('operator');
      const named = networksOf(each).filter((network) => aliasesOn(each, network).includes('operator'));
      expect(named).toEqual(['operators']);
    }
    const there = Object.entries(compose.services).filter(([, each]) =>
      networksOf(each).includes('operators'),
    );
    expect(there.map(([name]) => name)).toEqual(['signing-proxy', 'try-proxy', 'prometheus']);
  });

  it('The compose file starts nothing without a profile, and names the environment itself', () => {
    for (const [name, { profiles }] of Object.entries(compose.services))
      expect([name, profiles?.length]).toEqual([name, expect.toSatisfy((count) => count > 0)]);
    expect(proxy.environment?.BINANCE_PROXY_ENVIRONMENT).toBe('testnet');
    expect(tried.environment?.BINANCE_PROXY_ENVIRONMENT).toBe('simulator');
  });

  it('The compose file has the health check of the image, first after two seconds', () => {
    const line = argsOf(stageOf(readDockerfile(), 'runtime'), 'HEALTHCHECK');
    const numbers = Object.fromEntries(
      [...line.matchAll(/--([a-z-]+)=(\d+s?) /g)].map(([, name, value]) => [name, value]),
    );
    expect(numbers).toMatchObject({ interval: '2s', timeout: '5s', 'start-period': '10s', retries: '15' });
    for (const each of [proxy, tried])
      expect(each.healthcheck).toEqual({
        test: ['CMD', ...execForm(line)],
        interval: '2s',
        timeout: '5s',
        start_period: '10s',
        retries: 15,
      });
  });

  it('The compose file hands the Binance key to nobody but the proxy, and as files only', () => {
    for (const [name, service] of Object.entries(compose.services)) {
      const holds = (service.secrets ?? []).filter((secret) => secret.startsWith('binance_'));
      expect([name, holds.length]).toEqual([name, name === 'signing-proxy' ? 2 : 0]);
      for (const [variable, value] of Object.entries(service.environment ?? {})) {
        if (!/(?:KEY|SECRET|PASSPHRASE)$/.test(variable) || value === '') continue;
        expect([service.profiles, value]).toEqual([['try'], expect.stringMatching(/-opens-nothing-else$/)]);
      }
    }
  });

  it('The compose file tries the proxy on a simulator that knows its key, without files of secrets', () => {
    const env: Record<string, string | undefined> = { BINANCE_PROXY_HOST: '0.0.0.0', ...tried.environment };
    const settings = loadSettings({ env, cwd: folderWith() });
    expect([settings.environment, settings.clientsByKeyDigest.size]).toEqual(['simulator', 1]);
    const { simulator, 'try-app': app } = compose.services;
    expect(simulator?.network_mode).toBe('service:try-proxy');
    expect(simulator?.command).toEqual(['simulator']);
    for (const name of ['BINANCE_PROXY_ENVIRONMENT', 'BINANCE_API_KEY', 'BINANCE_API_SECRET'])
      expect(simulator?.environment?.[name]).toBe(env[name]);
    expect(app?.environment?.CLIENT_KEY).toBe(tried.environment?.BINANCE_PROXY_CLIENT_KEY);
    for (const { profiles, secrets } of Object.values(compose.services))
      if (profiles?.includes('try')) expect(secrets).toBeUndefined();
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
      'BINANCE_PROXY_DENYLIST names /etc/binance-proxy/denylist.yaml, a file that cannot be read (ENOENT): a readable YAML file is needed there.',
    ]);
  });

  it('The compose file gives the proxy more time to stop than it takes for what is in flight', () => {
    expect(Number.parseInt(proxy.stop_grace_period ?? '', 10)).toBeGreaterThan(12);
  });

  it('The compose file says in its comment how each secret file is made', () => {
    for (const { file } of Object.values(compose.secrets))
      expect(text).toContain(`> ${file.replace('./', '')}\n`);
    const [comment = ''] = text.split('\nname: ');
    expect(parseDotenv(comment)).not.toHaveProperty('BINANCE_API_SECRET');
  });
});
