import type { OrderRules, RepeatRule } from '../../core/access/client.ts';
import { type Action, EXIT, type Values } from '../base/cli.ts';
import { table } from '../base/cli-table.ts';
import { type ConfiguredClient, readConfiguredClients } from './configured-clients.ts';
import { describeSource } from './key-source.ts';

const OPTIONS = { json: { type: 'boolean' } } as const;

/** `client list`: who may call, and what; never a key. */
export const list: Action<typeof OPTIONS> = { options: OPTIONS, run };

const HEAD = ['client', 'account', 'key', 'secret', 'permissions', 'symbols', 'orders'];

async function run({ json = false }: Values<typeof OPTIONS>): Promise<number> {
  const { clients } = readConfiguredClients(process.cwd(), process.env);
  if (json) for (const each of clients) console.log(JSON.stringify(factsOf(each)));
  else console.log(table(HEAD, clients.map(rowOf)));
  return EXIT.ok;
}

function rowOf(configured: ConfiguredClient): readonly string[] {
  const { client, account, key, secret, publicKey, permissions, symbols, requireSignature, order } =
    factsOf(configured);
  const rules = Object.entries(order).map(([name, value]) => `${name} ${told(value)}`);
  return [
    client,
    account,
    key,
    [secret, publicKey === 'none' ? '' : `own key pair ${publicKey}`, requireSignature ? 'required' : '']
      .filter((part, index, parts) => part !== '' && !(index === 0 && part === 'none' && parts[1] !== ''))
      .join(', '),
    permissions.join(' '),
    symbols === undefined ? 'all' : symbols.join(' '),
    rules.length === 0 ? 'no limits' : rules.join(', '),
  ];
}

/** What is told of a client, as JSON has it. */
function factsOf({ client, key, secret, publicKey }: ConfiguredClient) {
  return {
    client: client.name,
    account: client.account,
    key: describeSource(key),
    secret: describeSource(secret),
    publicKey: describeSource(publicKey),
    requireSignature: client.requireSignature,
    permissions: [...client.permissions],
    symbols: client.symbols === undefined ? undefined : [...client.symbols],
    order: plainRules(client.order ?? {}),
    weightPerMinute: client.weightPerMinute,
    requestsPerSecond: client.requestsPerSecond,
    stopAfterRefusals: client.stopAfterRefusals,
    expires: client.expiresMs && new Date(client.expiresMs).toISOString().slice(0, 10),
    policy: client.policyMode,
  };
}

type Told = number | string | readonly string[] | Readonly<Record<string, string | number>>;

/** Every rule that there is, also those that this file has never heard of. */
function plainRules(rules: OrderRules): Readonly<Record<string, Told>> {
  return Object.fromEntries(Object.entries(rules).map(([name, value]) => [name, plain(value)]));
}

function plain(
  value: number | string | RepeatRule | ReadonlySet<string> | ReadonlyMap<string, string>,
): Told {
  if (typeof value !== 'object') return value;
  if ('max' in value) return { ...value };
  return value instanceof Map ? Object.fromEntries(value) : [...value.keys()];
}

function told(value: Told): string {
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return value.join(' ');
  return Object.entries(value)
    .map(([name, value]) => (typeof value === 'number' ? `${name} ${value}` : `${value} ${name}`))
    .join(' ');
}
