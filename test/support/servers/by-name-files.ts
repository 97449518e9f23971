import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificates } from '../../../src/commands/certificate/make-certificates.ts';
import { BINANCE_HOST_NAMES } from '../../../src/core/binance-hosts.ts';

/** What `certificate new` makes, in a folder of its own. */
export interface ByNameFiles {
  /** PEM of the authority that an app trusts. */
  readonly ca: string;
  readonly caFile: string;
  /** What makes a proxy listen by name, on a free port. */
  readonly env: Readonly<Record<string, string>>;
  remove(): void;
}

export function makeByNameFiles(): ByNameFiles {
  const folder = mkdtempSync(join(tmpdir(), 'by-name-'));
  const { authority, leaf } = makeCertificates(BINANCE_HOST_NAMES, Date.now());
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  return {
    ca: authority.cert,
    caFile: write('authority.crt', authority.cert),
    env: {
      BINANCE_PROXY_BY_NAME_PORTS: '0',
      BINANCE_PROXY_BY_NAME_CERT_FILE: write('by-name.crt', leaf.cert),
      BINANCE_PROXY_BY_NAME_KEY_FILE: write('by-name.key', leaf.key),
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
