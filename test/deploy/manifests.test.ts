import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { loadSettings } from '../../src/config/load-settings.ts';
import { folderWith } from '../support/fixtures/config-folder.ts';
import { argsOf, environmentOf, execForm, readDockerfile, stageOf } from '../support/images/dockerfile.ts';
import { TEST_KEY, TEST_SECRET } from '../support/servers/proxy.ts';

function shipped(path: string): string {
  return readFileSync(new URL(`../../deploy/${path}`, import.meta.url), 'utf8');
}

const runtime = stageOf(readDockerfile(), 'runtime');
const entry = execForm(argsOf(runtime, 'ENTRYPOINT'));

describe('the systemd unit', () => {
  const unit = new Map<string, string[]>();
  for (const line of shipped('binance-signing-proxy.service').split('\n')) {
    const [, name = '', value = ''] = /^([A-Za-z]+)=(.*)$/.exec(line) ?? [];
    if (name !== '') unit.set(name, [...(unit.get(name) ?? []), value]);
  }
  const environment = Object.fromEntries((unit.get('Environment') ?? []).map((each) => each.split('=')));

  it('The systemd unit starts with the flags of the image, its paths aside', () => {
    const command = (unit.get('ExecStart')?.[0] ?? '').split(' ');
    expect(command.slice(-2)).toEqual(['dist/program/main.js', 'serve']);
    const plain = (flags: readonly string[]) => flags.filter((flag) => /^--(?!allow-fs)/.test(flag));
    expect(plain(command)).toEqual(plain(entry));
    const writes = (flags: readonly string[]) => flags.filter((flag) => flag.startsWith('--allow-fs-write'));
    expect(writes(command)).toEqual(writes(entry));
    const memory = Object.entries(environmentOf(runtime)).filter(([name]) => name.startsWith('MALLOC_'));
    expect(memory).toHaveLength(2);
    expect(environment).toMatchObject(Object.fromEntries(memory));
  });

  it('The systemd unit hands secrets over as credentials that the program finds by name, and loads', () => {
    const credentials = (unit.get('LoadCredential') ?? []).map((each) => each.split(':')[0] ?? '');
    const values: Record<string, string> = { BINANCE_API_KEY: TEST_KEY, BINANCE_API_SECRET: TEST_SECRET };
    const folder = folderWith(
      Object.fromEntries(credentials.map((name) => [name, `${values[name] ?? `${name}-0123456789`}\n`])),
    );
    const settings = loadSettings({ cwd: folder, env: { ...environment, CREDENTIALS_DIRECTORY: folder } });
    expect(settings.server.socket).toBe('/run/binance-proxy/proxy.sock');
    expect([settings.environment, settings.keyPreflight]).toEqual(['live', 'enforce']);
    for (const name of Object.keys(environment)) expect(name).not.toMatch(/(?:KEY|SECRET)$/);
  });

  it.each([
    ['DynamicUser', 'yes'],
    ['NoNewPrivileges', 'yes'],
    ['CapabilityBoundingSet', ''],
    ['ProtectSystem', 'strict'],
    ['ProtectHome', 'yes'],
    ['PrivateTmp', 'yes'],
    ['LimitCORE', '0'],
    ['RestartPreventExitStatus', '78'],
    ['ExecReload', '/bin/kill -HUP $MAINPID'],
  ])('The systemd unit has %s=%s', (name, value) => {
    expect(unit.get(name)).toEqual([value]);
  });

  it('The systemd unit waits longer for the end than the program does', () => {
    expect(Number(unit.get('TimeoutStopSec')?.[0])).toBeGreaterThan(12);
  });
});

interface Container {
  readonly name: string;
  readonly env: readonly { readonly name: string; readonly value?: string }[];
  readonly restartPolicy?: string;
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly resources?: { readonly limits?: { readonly memory?: string } };
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
  readonly livenessProbe?: { readonly httpGet: { readonly path: string } };
  readonly readinessProbe?: { readonly httpGet: { readonly path: string } };
}

interface PodSpec {
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly initContainers: readonly Container[];
  readonly containers: readonly Container[];
  readonly volumes: readonly { readonly name: string }[];
  readonly terminationGracePeriodSeconds: number;
  readonly enableServiceLinks: boolean;
}

describe('the Kubernetes sidecar', () => {
  const documents = parseAllDocuments(shipped('kubernetes-sidecar.yaml'));
  const [deployment] = documents.map(
    (document) => document.toJS() as { spec: { template: { spec: PodSpec } } },
  );
  const pod = deployment!.spec.template.spec;
  const [sidecar] = pod.initContainers;

  it('The Kubernetes sidecar is valid YAML of a Deployment, its network policy and its volume claim', () => {
    for (const document of documents) expect(document.errors).toEqual([]);
    expect(documents.map((document) => document.get('kind'))).toEqual([
      'Deployment',
      'NetworkPolicy',
      'PersistentVolumeClaim',
    ]);
  });

  it('The Kubernetes sidecar listens to its own pod only, and configures a proxy that loads', () => {
    const mounted = new Map<string, string>([
      ['BINANCE_API_KEY', TEST_KEY],
      ['BINANCE_API_SECRET', TEST_SECRET],
      ['BINANCE_PROXY_CLIENT_KEY', 'client-key-0123456789'],
    ]);
    const cwd = folderWith(Object.fromEntries(mounted));
    const env = Object.fromEntries(
      sidecar!.env.map(({ name, value = '' }) => [
        name,
        name.endsWith('_FILE') ? `${cwd}/${value.split('/').at(-1)}` : value,
      ]),
    );
    const settings = loadSettings({ cwd, env });
    expect([settings.server.host, settings.operator.host]).toEqual(['localhost', '::']);
  });

  it('The Kubernetes sidecar lets nobody but Prometheus at its operator port, and keeps its volume to its owner', () => {
    const policy = documents[1]?.toJS() as {
      spec: {
        podSelector: unknown;
        policyTypes: unknown;
        ingress: { from: unknown; ports: { port: number }[] }[];
      };
    };
    expect(policy.spec.podSelector).toEqual({ matchLabels: { app: 'trading-app' } });
    expect(policy.spec.policyTypes).toEqual(['Ingress']);
    expect(policy.spec.ingress).toEqual([
      {
        from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
        ports: [{ protocol: 'TCP', port: 8081 }],
      },
    ]);
    expect(pod.securityContext.fsGroupChangePolicy).toBe('OnRootMismatch');
  });

  it('The Kubernetes sidecar is a restartable init container with probes, limits and no rights', () => {
    expect(sidecar?.restartPolicy).toBe('Always');
    expect(sidecar?.livenessProbe?.httpGet.path).toBe('/livez');
    expect(sidecar?.readinessProbe?.httpGet.path).toBe('/readyz');
    expect(sidecar?.resources?.limits?.memory).toBe('256Mi');
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 65532 });
    expect([pod.enableServiceLinks, pod.terminationGracePeriodSeconds > 12]).toEqual([false, true]);
    for (const container of [...pod.initContainers, ...pod.containers]) {
      expect(container.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
    }
  });

  it('The Kubernetes sidecar alone mounts the Binance key, within what its permissions let it read', () => {
    const mounts = (container: Container) => (container.volumeMounts ?? []).map(({ name }) => name);
    expect(mounts(sidecar!)).toContain('binance-key');
    for (const app of pod.containers) expect(mounts(app)).not.toContain('binance-key');
    const readable = entry.flatMap((flag) => /^--allow-fs-read=(.*)$/.exec(flag)?.[1] ?? []);
    for (const { mountPath } of sidecar?.volumeMounts ?? [])
      expect([mountPath, readable.some((path) => mountPath.startsWith(path))]).toEqual([mountPath, true]);
    for (const { name } of sidecar?.volumeMounts ?? [])
      expect(pod.volumes.map((volume) => volume.name)).toContain(name);
  });
});
