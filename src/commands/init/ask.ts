import { confirm, isCancel, password, select, text } from '@clack/prompts';
import { ENVIRONMENTS } from '../../config/schema/environments.ts';
import type { EnvironmentName } from '../../config/schema/settings.ts';
import { readSymbols, wrongName } from '../client/client-name-check.ts';
import { issueKey } from '../client/issue-key.ts';
import { PRESET_NAMES, PRESETS } from '../client/presets.ts';
import { LIBRARIES } from './library-lines.ts';
import type { Answers, GivenSecret, KeyType, NewClient, PartialAnswers, Store } from './options.ts';
import { USUAL_CLIENT } from './usual-answers.ts';

/** Somebody pressed Ctrl-C or Escape: nothing was written. */
export class GivenUpError extends Error {
  override readonly name = 'GivenUpError';
}

const ABOUT_ENVIRONMENT: Readonly<Record<EnvironmentName, string>> = {
  testnet: 'play money, a key of testnet.binance.vision',
  demo: "Binance's demo mode, a key of demo.binance.com",
  simulator: 'the exchange in this program, no key needed',
  live: 'real money',
};

/** Asks for every answer that is not there yet. */
export async function askMissing(given: PartialAnswers): Promise<Answers> {
  const environment = given.environment ?? (await askEnvironment());
  const isInvented = environment === 'simulator' && given.apiKey === undefined && given.secret === undefined;
  const key = isInvented ? inventedKey() : await askKey(given);
  const clients = given.clients ?? (await askClients());
  const store = given.store ?? (await askStore());
  return { environment, ...key, clients, store, library: given.library ?? (await askLibrary()) };
}

/** Whether what stands there may be lost. */
export async function askOverwrite(names: readonly string[]): Promise<boolean> {
  const message = `${names.join(' and ')} will be written anew, and what stands there now is lost. Go on?`;
  return (await confirm({ message, initialValue: false })) === true;
}

function answered<T>(answer: T): Exclude<T, symbol> {
  if (isCancel(answer)) throw new GivenUpError('Given up: nothing was written.');
  return answer as Exclude<T, symbol>;
}

async function choose<T extends string>(
  message: string,
  options: readonly { readonly value: T; readonly hint: string }[],
): Promise<T> {
  const shown = options.map(({ value, hint }) => ({ value: value as string, label: value, hint }));
  return answered(await select({ message, options: shown })) as T;
}

function askEnvironment(): Promise<EnvironmentName> {
  const names = Object.keys(ENVIRONMENTS) as EnvironmentName[];
  const order = Object.keys(ABOUT_ENVIRONMENT);
  const sorted = names.toSorted((a, b) => order.indexOf(a) - order.indexOf(b));
  return choose(
    'Which Binance?',
    sorted.map((value) => ({ value, hint: ABOUT_ENVIRONMENT[value] })),
  );
}

type Key = Pick<Answers, 'keyType' | 'apiKey' | 'secret' | 'passphrase'>;

function inventedKey(): Key {
  const invented = (): GivenSecret => ({ kind: 'text', text: issueKey() });
  return { keyType: 'hmac', apiKey: invented(), secret: invented(), passphrase: undefined };
}

async function askKey(given: PartialAnswers): Promise<Key> {
  const keyType = given.keyType ?? (await askKeyType());
  const apiKey = given.apiKey ?? (await askSecret('The API key'));
  const secret =
    given.secret ??
    (keyType === 'hmac'
      ? await askSecret('The secret key')
      : await askPath('The PEM file of the private key'));
  return { keyType, apiKey, secret, passphrase: given.passphrase ?? (await askPassphrase(keyType)) };
}

function askKeyType(): Promise<KeyType> {
  return choose('Which kind of key did Binance issue?', [
    { value: 'hmac', hint: 'a key and a secret, "system generated"' },
    { value: 'ed25519', hint: 'you made the key pair, "self-generated"' },
    { value: 'rsa', hint: 'the same with RSA' },
  ]);
}

async function askSecret(what: string): Promise<GivenSecret> {
  const how = await choose(`${what}:`, [
    { value: 'paste it here', hint: 'it is not shown' },
    { value: 'it is in a file', hint: 'which stays where it is' },
  ]);
  if (how === 'it is in a file') return askPath(`${what} is in the file`);
  const message = `${what} (not shown)`;
  const validate = (value: string | undefined) =>
    /^[\x21-\x7e]+$/.test(value?.trim() ?? '') ? undefined : 'In one piece, without spaces.';
  return { kind: 'text', text: answered(await password({ message, mask: '•', validate })).trim() };
}

async function askPath(message: string): Promise<GivenSecret> {
  const validate = (value: string | undefined) => (value ? undefined : 'A path is needed.');
  return { kind: 'file', path: answered(await text({ message, validate })) };
}

async function askPassphrase(keyType: KeyType): Promise<GivenSecret | undefined> {
  if (keyType === 'hmac') return undefined;
  const message = 'Its passphrase (not shown; empty when it has none)';
  const typed = answered(await password({ message, mask: '•' }));
  return typed ? { kind: 'text', text: typed } : undefined;
}

async function askClients(): Promise<readonly NewClient[]> {
  const clients: NewClient[] = [];
  do {
    clients.push(await askClient(clients.map(({ name }) => name)));
  } while (answered(await confirm({ message: 'Another app?', initialValue: false })));
  return clients;
}

async function askClient(taken: readonly string[]): Promise<NewClient> {
  const usual = taken.length === 0 ? USUAL_CLIENT : `${USUAL_CLIENT}-${taken.length + 1}`;
  const name = answered(
    await text({
      message: 'The name of an app that will call',
      placeholder: usual,
      defaultValue: usual,
      validate: (value) => {
        if (!value) return undefined;
        return taken.includes(value) ? 'There is one of that name.' : wrongName(value);
      },
    }),
  );
  const kind = await choose(
    `What is ${name}?`,
    PRESET_NAMES.map((value) => ({ value, hint: PRESETS[value].summary })),
  );
  if (kind === 'dashboard') return { name, kind, symbols: undefined };
  const typed = answered(
    await text({
      message: 'The symbols that it may trade, with commas between them',
      placeholder: PRESETS[kind].symbols?.join(',') ?? 'all',
      defaultValue: '',
      validate: wrongSymbols,
    }),
  );
  return { name, kind, symbols: typed === '' ? undefined : readSymbols(typed) };
}

function wrongSymbols(value: string | undefined): string | undefined {
  try {
    readSymbols(value || undefined);
    return undefined;
  } catch (error) {
    return (error as Error).message.replace('--symbols takes', 'Write');
  }
}

function askStore(): Promise<Store> {
  return choose('Where are the secrets put?', [
    { value: 'env', hint: 'into .env, which nobody else may read' },
    { value: 'files', hint: 'each into a file below secrets/, as Docker and systemd like it' },
  ]);
}

async function askLibrary(): Promise<string | undefined> {
  const none = { value: 'none of these', hint: 'docs/clients.md has more' };
  const names = [...LIBRARIES.keys()].map((value) => ({ value, hint: '' }));
  const chosen = await choose('What does the app use?', [...names, none]);
  return chosen === none.value ? undefined : chosen;
}
