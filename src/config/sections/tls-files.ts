import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { SecretText } from '../../core/records/secret-text.ts';
import type { LayeredConfig } from '../schema/layered-config.ts';
import type { Settings } from '../schema/settings.ts';
import type { ConfigSources } from '../sources/read-secret.ts';
import { readableByOthers } from '../sources/secret-modes.ts';
import type { YamlPath } from '../sources/yaml-file.ts';

const CERT_FILE: YamlPath = ['server', 'tls', 'certFile'];
const KEY_FILE: YamlPath = ['server', 'tls', 'keyFile'];

/** Reads certificate and key with which the listener for apps speaks TLS; both are set, or none is. */
export function readTlsFiles(sources: ConfigSources, layered: LayeredConfig): Settings['server']['tls'] {
  const { certFile, keyFile } = layered.config.server?.tls ?? {};
  if (certFile === undefined && keyFile === undefined) return undefined;
  if (certFile === undefined || keyFile === undefined) {
    const [set, missing] = certFile === undefined ? [KEY_FILE, 'certificate'] : [CERT_FILE, 'key'];
    layered.report(set, `has an effect together with the file of the ${missing} only: set that too`);
    return undefined;
  }
  if (layered.config.server?.socket !== undefined) {
    layered.report(CERT_FILE, 'has no effect on a Unix socket: remove it, or the socket');
  }
  const cert = readPem(sources, layered, CERT_FILE, certFile);
  const key = readPem(sources, layered, KEY_FILE, keyFile);
  if (key !== undefined) sources.secrets.push(key);
  if (cert === undefined || key === undefined) return undefined;
  const certificate = parsed(() => new X509Certificate(cert));
  const privateKey = parsed(() => createPrivateKey(key));
  if (certificate === undefined) layered.report(CERT_FILE, 'names a file without a valid PEM certificate');
  if (privateKey === undefined)
    layered.report(
      KEY_FILE,
      'names a file without a PEM private key that can be opened without a passphrase',
    );
  if (certificate === undefined || privateKey === undefined) return undefined;
  if (certificate.checkPrivateKey(privateKey)) return { cert, key: new SecretText(key) };
  layered.report(KEY_FILE, 'names a key that does not belong to the certificate');
  return undefined;
}

function readPem(
  { cwd, warnings }: ConfigSources,
  layered: LayeredConfig,
  place: YamlPath,
  path: string,
): string | undefined {
  try {
    const text = readFileSync(resolve(cwd, path), 'utf8');
    const wrong = place === KEY_FILE ? readableByOthers(resolve(cwd, path)) : undefined;
    if (wrong !== undefined) warnings.push(`The file of server.tls.keyFile ${wrong}`);
    return text;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    layered.report(place, `names a file that cannot be read (${code}): set it to a PEM file`);
    return undefined;
  }
}

/** OpenSSL's own words are kept out of messages. */
function parsed<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}
