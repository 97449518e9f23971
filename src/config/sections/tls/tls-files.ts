import { createPrivateKey, X509Certificate } from 'node:crypto';
import { resolve } from 'node:path';
import { SecretText } from '../../../core/records/secret-text.ts';
import type { LayeredConfig } from '../../schema/layered-config.ts';
import { DEFAULTS } from '../../schema/schema.ts';
import type { Settings } from '../../schema/settings.ts';
import type { ConfigSources } from '../../sources/read-secret.ts';
import { readText } from '../../sources/read-text.ts';
import { readableByOthers } from '../../sources/secret-modes.ts';
import type { YamlPath } from '../../sources/yaml-file.ts';

type Pem = NonNullable<Settings['server']['tls']>;

/** Reads certificate and key with which the listener for apps speaks TLS; both are set, or none is. */
export function readTlsFiles(sources: ConfigSources, layered: LayeredConfig): Pem | undefined {
  const { server } = layered.config;
  if (server?.tls?.certFile !== undefined && server.socket !== undefined) {
    layered.report(['server', 'tls', 'certFile'], 'has no effect on a Unix socket: remove it, or the socket');
  }
  return readPair(sources, layered, 'tls');
}

/** Reads the ports of the listener by name, with its certificate and key; all of it, or nothing. */
export function readByName(sources: ConfigSources, layered: LayeredConfig): Settings['server']['byName'] {
  const byName = layered.config.server?.byName;
  if (byName === undefined) return undefined;
  if (byName.certFile === undefined && byName.keyFile === undefined) {
    layered.report(
      ['server', 'byName'],
      'needs certFile and keyFile: `binance-signing-proxy certificate new` makes both',
    );
    return undefined;
  }
  const pem = readPair(sources, layered, 'byName');
  return pem && { ports: byName.ports ?? DEFAULTS.byNamePorts, ...pem };
}

function readPair(
  sources: ConfigSources,
  layered: LayeredConfig,
  section: 'tls' | 'byName',
): Pem | undefined {
  const { certFile, keyFile } = layered.config.server?.[section] ?? {};
  const [certPlace, keyPlace] = [
    ['server', section, 'certFile'],
    ['server', section, 'keyFile'],
  ] as const;
  if (certFile === undefined && keyFile === undefined) return undefined;
  if (certFile === undefined || keyFile === undefined) {
    const [set, missing] = certFile === undefined ? [keyPlace, 'certificate'] : [certPlace, 'key'];
    layered.report(set, `has an effect together with the file of the ${missing} only: set that too`);
    return undefined;
  }
  const cert = readPem(sources, layered, certPlace, certFile);
  const key = readPem(sources, layered, keyPlace, keyFile);
  if (key !== undefined) sources.secrets.push(key);
  if (cert === undefined || key === undefined) return undefined;
  const certificate = parsed(() => new X509Certificate(cert));
  const privateKey = parsed(() => createPrivateKey(key));
  if (certificate === undefined) layered.report(certPlace, 'names a file without a valid PEM certificate');
  if (privateKey === undefined)
    layered.report(
      keyPlace,
      'names a file without a PEM private key that can be opened without a passphrase',
    );
  if (certificate === undefined || privateKey === undefined) return undefined;
  if (certificate.checkPrivateKey(privateKey)) return { cert, key: new SecretText(key) };
  layered.report(keyPlace, 'names a key that does not belong to the certificate');
  return undefined;
}

function readPem(
  { cwd, warnings, secretFiles }: ConfigSources,
  layered: LayeredConfig,
  place: YamlPath,
  path: string,
): string | undefined {
  const reading = readText(resolve(cwd, path), 'set it to a PEM file');
  if (!('text' in reading)) {
    layered.report(place, `names a file that ${reading.wrong}`);
    return undefined;
  }
  secretFiles?.add(resolve(cwd, path));
  const wrong = place.at(-1) === 'keyFile' ? readableByOthers(resolve(cwd, path)) : undefined;
  if (wrong !== undefined) warnings.push(`The file of ${place.join('.')} ${wrong}`);
  return reading.text;
}

/** OpenSSL's own words are kept out of messages. */
function parsed<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}
