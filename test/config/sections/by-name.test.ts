import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeCertificates } from '../../../src/commands/certificate/make-certificates.ts';
import { loadSettings } from '../../../src/config/load-settings.ts';
import { changes } from '../../../src/config/reload/changes.ts';
import { BINANCE_HOST_NAMES } from '../../../src/core/binance-hosts.ts';
import { assertStillGuarded } from '../../../src/proxy/reload.ts';
import {
  ACCOUNT,
  type Files,
  folderWith,
  messagesOf,
  type Variables,
} from '../../support/fixtures/config-folder.ts';

const { leaf } = makeCertificates(BINANCE_HOST_NAMES, Date.now());
const other = makeCertificates(BINANCE_HOST_NAMES, Date.now());
const FILES: Files = { 'a.crt': leaf.cert, 'a.key': leaf.key, 'other.key': other.leaf.key };
const ENV: Variables = {
  ...ACCOUNT,
  BINANCE_PROXY_BY_NAME_CERT_FILE: 'a.crt',
  BINANCE_PROXY_BY_NAME_KEY_FILE: 'a.key',
};
const yaml = (server: string): Files => ({ ...FILES, 'config/proxy.yaml': `server: ${server}\n` });

describe('the listener by name in the configuration', () => {
  it('There is no listener by name unless it is configured', () => {
    expect(loadSettings({ env: ACCOUNT, cwd: folderWith(FILES) }).server.byName).toBeUndefined();
  });

  it.each([
    [undefined, [443, 9443]],
    ['8443', [8443]],
    ['8443, 9443', [8443, 9443]],
    ['0,0', undefined],
    ['443,443', undefined],
  ])('The ports %s in the environment are %j', (text, ports) => {
    const env = { ...ENV, BINANCE_PROXY_BY_NAME_PORTS: text };
    if (ports === undefined) expect(messagesOf(env, FILES)).toEqual([expect.stringMatching(/BY_NAME_PORTS/)]);
    else expect(loadSettings({ env, cwd: folderWith(FILES) }).server.byName?.ports).toEqual(ports);
  });

  it('The YAML file says the same', () => {
    const server = '{ byName: { ports: [9443], certFile: a.crt, keyFile: a.key } }';
    const { byName } = loadSettings({ env: ACCOUNT, cwd: folderWith(yaml(server)) }).server;
    expect(byName).toMatchObject({ ports: [9443], cert: leaf.cert });
  });

  it.each([
    [
      'no files',
      '{ byName: {} }',
      /^server\.byName needs certFile and keyFile: `.* certificate new` makes both/,
    ],
    [
      'one file',
      '{ byName: { certFile: a.crt } }',
      /certFile has an effect together with the file of the key/,
    ],
    [
      'a file that is not there',
      '{ byName: { certFile: a.crt, keyFile: no.key } }',
      /keyFile names a file that cannot be read/,
    ],
    [
      'the key of another',
      '{ byName: { certFile: a.crt, keyFile: other.key } }',
      /keyFile names a key that does not belong/,
    ],
    [
      'the plain port',
      '{ byName: { ports: [8080], certFile: a.crt, keyFile: a.key } }',
      /ports has a port twice, or the one of the plain listener/,
    ],
    [
      'the port of the operator',
      '{ byName: { ports: [8081], certFile: a.crt, keyFile: a.key } }',
      /^operator\.port is also the port for apps/,
    ],
    [
      'no port',
      '{ byName: { ports: [], certFile: a.crt, keyFile: a.key } }',
      /ports must be a list of ports/,
    ],
    [
      'another machine and no client key',
      '{ host: 0.0.0.0, byName: { certFile: a.crt, keyFile: a.key } }',
      /^server\.host opens the proxy to other machines/,
    ],
    [
      'another machine beside a socket',
      '{ host: 0.0.0.0, socket: p.sock, byName: { certFile: a.crt, keyFile: a.key } }',
      /^server\.host opens the proxy to other machines/,
    ],
  ])('A listener by name with %s is refused in one sentence', (_what, server, sentence) => {
    expect(messagesOf(ACCOUNT, yaml(server))).toEqual([expect.stringMatching(sentence)]);
  });

  it('A reload says what of the listener by name is new, and what takes a new start', () => {
    const cwd = folderWith(FILES);
    const before = loadSettings({ env: ENV, cwd });
    writeFileSync(join(cwd, 'a.crt'), other.leaf.cert);
    const env = { ...ENV, BINANCE_PROXY_BY_NAME_KEY_FILE: 'other.key' };
    expect(changes(before, loadSettings({ env, cwd }))).toEqual({ changed: 'server.byName' });
    const ports = loadSettings({ env: { ...env, BINANCE_PROXY_BY_NAME_PORTS: '444' }, cwd });
    expect(changes(before, ports)).toMatchObject({ withNextStart: 'server.byName' });
  });

  it('A reload cannot take the last client key from a listener by name that others reach, socket or not', () => {
    const cwd = folderWith(FILES);
    const env = { ...ENV, BINANCE_PROXY_HOST: '0.0.0.0', BINANCE_PROXY_CLIENT_KEY: 'K'.repeat(64) };
    const keyless = loadSettings({ env: ACCOUNT, cwd });
    for (const socket of ['', 'proxy.sock']) {
      const { server } = loadSettings({ env: { ...env, BINANCE_PROXY_SOCKET: socket }, cwd });
      expect(() => assertStillGuarded(server, keyless)).toThrow(/BINANCE_PROXY_CLIENT_KEY/);
    }
  });
});
