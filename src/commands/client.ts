import { parseArgs } from 'node:util';
import { NAME_PATTERN } from '../config/schema/schema-parts.ts';
import { issueKey } from './client/issue-key.ts';

const USAGE = `Usage: binance-signing-proxy client new NAME

Creates the key and the secret that the proxy issues to an app, and prints them as environment
lines on stdout; what goes into config/proxy.yaml is printed on stderr. So this works too:
  binance-signing-proxy client new grid-bot >> .env

The app uses them as its Binance API key and secret. They are stored nowhere else.
NAME      letters, digits, dots, hyphens, underscores; "default" is the single client that needs no YAML file
-h, --help  shows this text`;

/** EX_USAGE of sysexits.h. */
const EXIT_USAGE = 64;

/** The command `client`: issues a key pair. Resolves to the exit code of the program. */
export async function client(argv: readonly string[]): Promise<number> {
  const parsed = parse(argv);
  if (parsed === undefined || (parsed.help === undefined && parsed.name === undefined)) {
    console.error(USAGE);
    return EXIT_USAGE;
  }
  if (parsed.name === undefined) {
    console.log(USAGE);
    return 0;
  }
  const { name } = parsed;
  if (!new RegExp(NAME_PATTERN).test(name) || name === 'anonymous') {
    console.error(
      name === 'anonymous'
        ? 'The client anonymous stands for callers without a key, so none can be issued to it: choose another NAME.'
        : 'NAME must be up to 64 letters, digits, dots, hyphens and underscores, and begin with a letter or digit.',
    );
    return EXIT_USAGE;
  }
  const prefix = envPrefix(name);
  console.log(`# client ${name}: what the app uses as its Binance API key and secret`);
  console.log(`${prefix}_CLIENT_KEY=${issueKey()}`);
  console.log(`${prefix}_CLIENT_SECRET=${issueKey()}`);
  console.error(fragment(name, prefix));
  return 0;
}

function parse(argv: readonly string[]): { name?: string; help?: true } | undefined {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { help: { type: 'boolean', short: 'h' } },
    });
    if (values.help) return { help: true };
    const [verb, name, ...rest] = positionals;
    return verb === 'new' && name !== undefined && rest.length === 0 ? { name } : undefined;
  } catch {
    return undefined;
  }
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
