import { readFileSync } from 'node:fs';
import { parsePublicKey } from '../config/sections/public-key.ts';
import { commandGroup, EXIT, UsageError, type Values } from './base/cli.ts';
import { withSentences } from './base/with-sentences.ts';
import { readSymbols, wrongName } from './client/client-name-check.ts';
import { pairVariables, prefixFor, SINGLE_CLIENT } from './client/client-names.ts';
import { issueKey } from './client/issue-key.ts';
import { describeSource, sourceOf } from './client/key-source.ts';
import { list } from './client/list.ts';
import { adviceFor, entryFor, PRESET_NAMES } from './client/presets.ts';
import { revoke } from './client/revoke.ts';
import { rotate } from './client/rotate.ts';
import { clientsYaml } from './client/yaml-entry.ts';

const USAGE = `Usage: binance-signing-proxy client <new|list|rotate|revoke> [NAME]

new NAME     Creates the key and the secret that the proxy issues to an app, and prints them as environment lines on
             stdout; what goes into config/proxy.yaml is printed on stderr. They are stored nowhere else, so append
             them to .env. A client whose key is set already is refused: a second line would silently take its place.
             --for agent|bot|dashboard  with the permissions, limits and rates that are advised for such an app
             --symbols BTCUSDT,ETHUSDT  the symbols that it may trade
             --public-key FILE          of an app that signs with an Ed25519 or RSA key of its own, the PEM of the public
                                        half: it gets no secret, and the lines are an issued key and this public key
list         Shows who may call, and what: names, permissions, limits, and whether a key is set; never a key. --json
rotate NAME  Puts a new pair in the place of the old one, in .env or in the files that it names, and prints it.
revoke NAME  Takes the client out of config/proxy.yaml and .env. The last client with a key gets one that nobody knows.

rotate and revoke change files in one step and keep what else stands in them; what comes from elsewhere they name.
The app uses key and secret as its Binance API key and secret.
NAME         letters, digits, dots, hyphens, underscores; "default" is the single client that needs no YAML file

Examples:
  binance-signing-proxy client new default >> .env
  binance-signing-proxy client new grid-bot --for bot --symbols BTCUSDT >> .env
  binance-signing-proxy client rotate grid-bot && binance-signing-proxy reload`;

const NEW = {
  for: { type: 'string' },
  symbols: { type: 'string' },
  'public-key': { type: 'string' },
} as const;

/** The command `client`: issues, lists, replaces and takes away key pairs. */
export const client = withSentences(
  commandGroup({
    name: 'client',
    usage: USAGE,
    actions: {
      new: { options: NEW, argument: 'a NAME', run: (values, [name = '']) => issue(name, values) },
      list,
      rotate,
      revoke,
    },
  }),
);

async function issue(name: string, values: Values<typeof NEW>): Promise<number> {
  const wrong = wrongName(name);
  if (wrong !== undefined) throw new UsageError(wrong);
  const prefix = prefixFor(name);
  const text = fragment(name, prefix, values);
  const path = values['public-key'];
  const publicKey = path === undefined ? undefined : readPublicKey(path);
  const { key, secret } = pairVariables(prefix);
  const source = sourceOf(key, process.cwd(), process.env);
  if (source.kind !== 'none') {
    console.error(
      `${key} is set already (${describeSource(source)}), and a second one would silently take its place: ` +
        `"client rotate ${name}" replaces it.`,
    );
    return EXIT.problem;
  }
  const told =
    publicKey === undefined
      ? 'what the app uses as its Binance API key and secret'
      : 'what the app uses as its Binance API key; it signs with its own private key, which stays with it';
  console.log(`# client ${name}: ${told}`);
  console.log(`${key}=${issueKey()}`);
  console.log(
    publicKey === undefined ? `${secret}=${issueKey()}` : `${prefix}_CLIENT_PUBLIC_KEY='${publicKey}'`,
  );
  console.error(text);
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

function fragment(name: string, prefix: string, values: Values<typeof NEW>): string {
  const isPlain = values.for === undefined && values.symbols === undefined;
  if (name === SINGLE_CLIENT && isPlain)
    return '\nThe single client default needs no entry in config/proxy.yaml.';
  const symbols = readSymbols(values.symbols);
  const entry = entryFor(values.for, { envPrefix: prefix, symbols });
  if (entry === undefined) throw new UsageError(`--for takes one of: ${PRESET_NAMES.join(', ')}.`);
  return `\nFor config/proxy.yaml:\n${clientsYaml(new Map([[name, entry]]))}${adviceFor(values.for)}`;
}
