import { readFileSync } from 'node:fs';
import { NAME_PATTERN } from '../config/schema/schema-parts.ts';
import { parsePublicKey } from '../config/sections/public-key.ts';
import { type Action, commandGroup, EXIT, UsageError } from './cli.ts';
import { issueKey } from './client/issue-key.ts';

const USAGE = `Usage: binance-signing-proxy client new NAME [--public-key FILE]

Creates the key and the secret that the proxy issues to an app, and prints them as environment
lines on stdout; what goes into config/proxy.yaml is printed on stderr. So this works too:
  binance-signing-proxy client new grid-bot >> .env

The app uses them as its Binance API key and secret. They are stored nowhere else.

An app that signs with an Ed25519 or RSA key of its own gets no secret:
--public-key FILE  the PEM file of the public half; the lines are then an issued key and this public key
NAME      letters, digits, dots, hyphens, underscores; "default" is the single client that needs no YAML file
-h, --help  shows this text`;

const OPTIONS = { 'public-key': { type: 'string' } } as const;
const NEW: Action<typeof OPTIONS> = {
  options: OPTIONS,
  argument: 'a NAME',
  run: (values, [name = '']) => issue(name, values['public-key']),
};

/** The command `client`: issues a key pair. */
export const client = commandGroup({
  name: 'client',
  usage: USAGE,
  actions: { new: NEW },
});

async function issue(name: string, publicKeyPath: string | undefined): Promise<number> {
  if (name === 'anonymous') {
    throw new UsageError(
      'The client anonymous stands for callers without a key, so none can be issued to it: choose another NAME.',
    );
  }
  if (!new RegExp(NAME_PATTERN).test(name)) {
    throw new UsageError(
      'NAME must be up to 64 letters, digits, dots, hyphens and underscores, and begin with a letter or digit.',
    );
  }
  const prefix = envPrefix(name);
  const publicKey = publicKeyPath === undefined ? undefined : readPublicKey(publicKeyPath);
  const told =
    publicKey === undefined
      ? 'what the app uses as its Binance API key and secret'
      : 'what the app uses as its Binance API key; it signs with its own private key, which stays with it';
  console.log(`# client ${name}: ${told}`);
  console.log(`${prefix}_CLIENT_KEY=${issueKey()}`);
  console.log(
    publicKey === undefined
      ? `${prefix}_CLIENT_SECRET=${issueKey()}`
      : `${prefix}_CLIENT_PUBLIC_KEY='${publicKey}'`,
  );
  console.error(fragment(name, prefix));
  return EXIT.ok;
}

/**
 * The public key in one line, as environment files need it.
 * @throws UsageError when the file cannot be read, or holds something else
 */
function readPublicKey(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new UsageError(`--public-key names a file that cannot be read (${code}).`);
  }
  const parsed = parsePublicKey(text);
  if ('wrong' in parsed) throw new UsageError(`The file of --public-key ${parsed.wrong}.`);
  return parsed.key.export({ type: 'spki', format: 'pem' }).toString().trim().replaceAll('\n', '\\n');
}

function envPrefix(name: string): string {
  if (name === 'default') return 'BINANCE_PROXY';
  const upper = name
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]+/g, '_')
    .replaceAll(/^_|_$/g, '');
  return /^[A-Z]/.test(upper) ? upper : `CLIENT_${upper}`;
}

function fragment(name: string, prefix: string): string {
  if (name === 'default') return '\nThe single client default needs no entry in config/proxy.yaml.';
  return `
For config/proxy.yaml:
clients:
  ${yamlText(name)}:
    account: main
    envPrefix: ${yamlText(prefix)}
    requireSignature: true
    permissions: [market-data, read, spot-margin-trade]`;
}

/** Quotes what YAML would not read as a text. */
function yamlText(text: string): string {
  return /^\d|^(?:null|true|false)$/i.test(text) ? JSON.stringify(text) : text;
}
