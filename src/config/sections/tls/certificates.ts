import { X509Certificate } from 'node:crypto';
import { resolve } from 'node:path';
import type { LayeredConfig } from '../../schema/layered-config.ts';
import { readText } from '../../sources/read-text.ts';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Reads the further certificate authorities for upstream TLS; of the file only the certificates are kept. */
export function readCertificates(layered: LayeredConfig, cwd: string): string | undefined {
  const path = layered.config.upstreamCaFile;
  if (path === undefined) return undefined;
  const reading = readText(resolve(cwd, path), 'set it to a PEM file');
  if (!('text' in reading)) {
    layered.report(['upstreamCaFile'], `names a file that ${reading.wrong}`);
    return undefined;
  }
  const certificates = reading.text.match(CERTIFICATE) ?? [];
  if (certificates.length > 0 && certificates.every(isCertificate)) return `${certificates.join('\n')}\n`;
  layered.report(
    ['upstreamCaFile'],
    'names a file without a valid PEM certificate: set it to the authority that signed the upstream',
  );
  return undefined;
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}
