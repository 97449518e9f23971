import { NAME_PATTERN } from '../config/schema/schema-parts.ts';
import { commandGroup, EXIT, UsageError } from './cli.ts';
import { issueKey } from './client/issue-key.ts';

const USAGE = `Usage: binance-signing-proxy client new NAME

Creates the key and the secret that the proxy issues to an app, and prints them as environment
lines on stdout; what goes into config/proxy.yaml is printed on stderr. So this works too:
  binance-signing-proxy client new grid-bot >> .env

The app uses them as its Binance API key and secret. They are stored nowhere else.
NAME      letters, digits, dots, hyphens, underscores; "default" is the single client that needs no YAML file
-h, --help  shows this text`;

/** The command `client`: issues a key pair. */
export const client = commandGroup({
  name: 'client',
  usage: USAGE,
  actions: { new: { options: {}, argument: 'a NAME', run: (_values, [name = '']) => issue(name) } },
});

async function issue(name: string): Promise<number> {
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
  console.log(`# client ${name}: what the app uses as its Binance API key and secret`);
  console.log(`${prefix}_CLIENT_KEY=${issueKey()}`);
  console.log(`${prefix}_CLIENT_SECRET=${issueKey()}`);
  console.error(fragment(name, prefix));
  return EXIT.ok;
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
