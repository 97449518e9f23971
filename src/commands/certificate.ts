import { closeSync, lstatSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BINANCE_HOST_NAMES } from '../core/binance-hosts.ts';
import { commandGroup, EXIT } from './base/cli.ts';
import { makeCertificates } from './certificate/make-certificates.ts';

const USAGE = `Usage: binance-signing-proxy certificate new [--out DIR] [--keep-authority-key]

For apps whose URLs are constants: makes a local authority and a certificate for the names of Binance's
API hosts, both valid for a year, and prints what to set in the proxy and in the app. The authority can
vouch for those names alone. Nothing is overwritten.

--out DIR              where the files are written; secrets/by-name unless told otherwise
--keep-authority-key   writes the authority's private key too. Without it the key is thrown away once it
                       has signed: nobody can then make a second certificate that the apps would trust,
                       and renewing means a new authority
-h, --help             shows this text

Examples:
  binance-signing-proxy certificate new
  binance-signing-proxy certificate new --out /etc/binance-proxy/by-name`;

interface NewFile {
  readonly name: string;
  readonly text: string;
  readonly mode: number;
}

/** The command `certificate`: what a listener by name and its apps need. */
export const certificate = commandGroup({
  name: 'certificate',
  usage: USAGE,
  actions: {
    new: {
      options: { out: { type: 'string' }, 'keep-authority-key': { type: 'boolean' } },
      run: ({ out, 'keep-authority-key': keep }) =>
        create(typeof out === 'string' ? out : 'secrets/by-name', keep === true),
    },
  },
});

async function create(folder: string, keepAuthorityKey: boolean): Promise<number> {
  const { authority, leaf } = makeCertificates(BINANCE_HOST_NAMES, Date.now());
  const files: readonly NewFile[] = [
    ...(keepAuthorityKey ? [{ name: 'authority.key', text: authority.key, mode: 0o600 }] : []),
    { name: 'by-name.key', text: leaf.key, mode: 0o600 },
    { name: 'by-name.crt', text: leaf.cert, mode: 0o644 },
    { name: 'authority.crt', text: authority.cert, mode: 0o644 },
  ];
  const path = (name: string) => join(folder, name);
  try {
    const standing = files.find(({ name }) => lstatSync(path(name), { throwIfNoEntry: false }) !== undefined);
    if (standing !== undefined) {
      console.error(
        `${path(standing.name)} is there already and is not overwritten: name another folder with --out.`,
      );
      return EXIT.problem;
    }
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    for (const file of files) writeNew(path(file.name), file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    console.error(
      `The files cannot be written to ${folder} (${code}): name a folder of your own with --out.`,
    );
    return EXIT.problem;
  }
  console.log(instructions(path));
  if (keepAuthorityKey)
    console.log(
      `\n${path('authority.key')} can vouch for Binance's names to every app that trusts it: keep it away from both.`,
    );
  return EXIT.ok;
}

/** Creates a file, which must not exist: neither a file nor a link in its place is written to. */
function writeNew(path: string, { text, mode }: NewFile): void {
  const descriptor = openSync(path, 'wx', mode);
  try {
    writeFileSync(descriptor, text);
  } finally {
    closeSync(descriptor);
  }
}

function instructions(path: (name: string) => string): string {
  const authority = path('authority.crt');
  return `The proxy, in config/proxy.yaml:
server:
  byName:
    ports: [443, 9443]
    certFile: ${path('by-name.crt')}
    keyFile: ${path('by-name.key')}

The app, in its environment:
NODE_EXTRA_CA_CERTS=${authority}
SSL_CERT_FILE=${authority}
REQUESTS_CA_BUNDLE=${authority}

The last two take the place of the system's authorities. An app that calls others too gets both in one file:
cat /etc/ssl/certs/ca-certificates.crt ${authority} > bundle.crt

In the app's hosts file alone, never in the proxy's, the names lead to the proxy: docs/by-name.md.`;
}
