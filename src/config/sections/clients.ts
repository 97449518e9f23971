import { ANONYMOUS, type Client, type OrderRules } from '../../core/access/client.ts';
import { DEFAULT_PERMISSIONS, SINGLE_CLIENT_PERMISSIONS } from '../../core/catalogue/permission.ts';
import { ExactDecimal } from '../../core/decimal.ts';
import type { LayeredConfig } from '../schema/layered-config.ts';
import { type ClientEntry, DEFAULT_COUNTDOWN_MS, EXPIRES_ERROR } from '../schema/parts/client-schema.ts';
import { CLIENT_SUFFIXES } from '../schema/variables.ts';
import type { ConfigSources } from '../sources/read-secret.ts';
import { accountNames } from './accounts.ts';
import { toApprovalRules } from './clients/approval-reader.ts';
import { checkCountdowns } from './clients/countdowns.ts';
import { type IssuedKeys, readIssuedKeys } from './clients/issued-keys.ts';
import { checkOpenLimits } from './clients/open-limits.ts';
import type { RepeatedSecrets } from './repeated-secrets.ts';

/** The single client that exists when the file names none, and where its issued pair is read from. */
const SINGLE_CLIENT = 'default';
const SINGLE_CLIENT_PREFIX = 'BINANCE_PROXY';

const SINGLE_ENTRY: ClientEntry = {
  envPrefix: SINGLE_CLIENT_PREFIX,
  permissions: [...SINGLE_CLIENT_PERMISSIONS],
};

/** All clients as they were read. */
export interface ReadClients {
  readonly clients: ReadonlyMap<string, Client>;
  readonly byKeyDigest: ReadonlyMap<string, Client>;
  readonly anonymousEnabled: boolean;
  /** True when any client key is configured or asked for, even one that was refused. */
  readonly keyExpected: boolean;
}

/** Reads every client with its issued keys; problems are gathered. */
export function readClients(
  sources: ConfigSources,
  layered: LayeredConfig,
  repeatedSecrets: RepeatedSecrets,
): ReadClients {
  const { anonymous, ...named } = layered.config.clients ?? {};
  const isSingle = layered.keysWritten(['clients']).every((name) => name === ANONYMOUS);
  const entries = isSingle ? { [SINGLE_CLIENT]: SINGLE_ENTRY } : named;
  const clients = new Map<string, Client>();
  const byKeyDigest = new Map<string, Client>();
  const prefixes = new Map<string, string>();
  let keyExpected = !isSingle;
  for (const [name, entry] of Object.entries<ClientEntry>(entries)) {
    const owner = prefixes.get(entry.envPrefix);
    if (owner !== undefined) {
      layered.report(
        ['clients', name, 'envPrefix'],
        `is also the one of client ${owner}: each needs a key of its own`,
      );
      continue;
    }
    prefixes.set(entry.envPrefix, name);
    const issued = readIssuedKeys(sources, { client: name, prefix: entry.envPrefix }, repeatedSecrets);
    keyExpected ||= issued.keySet;
    if (isSingle) checkSinglePair(sources, issued);
    else checkEntry(layered, name, entry, issued);
    const client = toClient(name, entry, entry.account ?? usualAccount(layered), issued);
    clients.set(name, client);
    if (issued.keyDigest !== undefined) byKeyDigest.set(issued.keyDigest, client);
  }
  if (!isSingle && !prefixes.has(SINGLE_CLIENT_PREFIX)) checkUnusedPair(sources);
  checkCountdowns(layered, clients);
  checkOpenLimits(layered, clients);
  clients.set(ANONYMOUS, anonymousClient(anonymous, usualAccount(layered)));
  return { clients, byKeyDigest, keyExpected, anonymousEnabled: anonymous?.enabled ?? true };
}

function checkSinglePair({ problems }: ConfigSources, issued: IssuedKeys): void {
  if (issued.keySet || !(issued.secretSet || issued.publicKeySet)) return;
  const name = `${SINGLE_CLIENT_PREFIX}_CLIENT_${issued.secretSet ? 'SECRET' : 'PUBLIC_KEY'}`;
  const message = `${name} is set, but ${SINGLE_CLIENT_PREFIX}_CLIENT_KEY is not: set both, as \`client new\` issued them.`;
  problems.push({ message, source: name });
}

function checkEntry(layered: LayeredConfig, name: string, entry: ClientEntry, issued: IssuedKeys): void {
  const accounts = accountNames(layered);
  if (entry.account === undefined && accounts.length > 1) {
    layered.report(['clients', name], 'needs account, because there is more than one', 'key');
  } else if (entry.account !== undefined && !accounts.includes(entry.account)) {
    layered.report(['clients', name, 'account'], 'names no account that is configured under accounts');
  }
  const variable = `${entry.envPrefix}_CLIENT_KEY`;
  if (!issued.keySet) {
    const remedy = `set ${variable} (or ${variable}_FILE) to the key issued to it; \`client new ${name}\` creates one`;
    layered.report(['clients', name], `has no key: ${remedy}`, 'key');
  }
  if (entry.expires !== undefined && startOfDay(entry.expires) === undefined)
    layered.report(['clients', name, 'expires'], EXPIRES_ERROR);
  if (entry.requireSignature === true && !issued.secretSet && !issued.publicKeySet) {
    const secret = `${entry.envPrefix}_CLIENT_SECRET`;
    const publicKey = `${entry.envPrefix}_CLIENT_PUBLIC_KEY`;
    layered.report(
      ['clients', name, 'requireSignature'],
      `needs an issued secret to verify with: set ${secret}, or ${publicKey} to the public half of the app's own key pair`,
    );
  }
}

/** An issued pair that no client has would leave its owner in the belief that the listener asks for it. */
function checkUnusedPair({ env, problems }: ConfigSources): void {
  for (const suffix of CLIENT_SUFFIXES) {
    for (const name of [`${SINGLE_CLIENT_PREFIX}_${suffix}`, `${SINGLE_CLIENT_PREFIX}_${suffix}_FILE`]) {
      if (!env[name]) continue;
      const message = `${name} is set, but the file names the clients and none has envPrefix: ${SINGLE_CLIENT_PREFIX}: remove the variable, or give a client that prefix.`;
      problems.push({ message, source: name });
    }
  }
}

/** The account of the single client, and of one that names none: `main`, or the first. */
function usualAccount(layered: LayeredConfig): string {
  const names = accountNames(layered);
  return names.find((name) => name === 'main') ?? names[0] ?? '';
}

function toClient(name: string, entry: ClientEntry, account: string, issued: IssuedKeys): Client {
  return {
    name,
    account,
    secret: issued.secret,
    publicKey: issued.publicKey,
    requireSignature: entry.requireSignature ?? false,
    permissions: new Set(entry.permissions ?? DEFAULT_PERMISSIONS),
    symbols: entry.symbols === undefined ? undefined : new Set(entry.symbols),
    order: entry.order === undefined ? undefined : toOrderRules(entry.order),
    approval: entry.approval === undefined ? undefined : toApprovalRules(entry.approval),
    weightPerMinute: entry.weightPerMinute,
    requestsPerSecond: entry.requestsPerSecond,
    stopAfterRefusals: entry.stopAfterRefusals,
    expiresMs: entry.expires === undefined ? undefined : startOfDay(entry.expires),
    deadMan: entry.deadMan && {
      silenceMs: entry.deadMan.silenceMs,
      exchange: entry.deadMan.exchange ?? false,
      countdownMs: entry.deadMan.countdownMs ?? DEFAULT_COUNTDOWN_MS,
    },
    cancelOnDisconnectMs: entry.cancelOnDisconnectMs,
    policyMode: entry.policy?.mode ?? 'enforce',
  };
}

function toOrderRules(order: NonNullable<ClientEntry['order']>): OrderRules {
  const { types, maxNotional, maxNotionalPerDay, priceBand, maxSpread, ...counts } = order;
  return {
    ...(types !== undefined && { types: new Set(types) }),
    ...(maxNotional !== undefined && { maxNotional: toAmounts(maxNotional) }),
    ...(maxNotionalPerDay !== undefined && { maxNotionalPerDay: toAmounts(maxNotionalPerDay) }),
    ...counts,
    ...(priceBand !== undefined && { priceBand: fractionOf(priceBand) }),
    ...(maxSpread !== undefined && { maxSpread: fractionOf(maxSpread) }),
  };
}

function toAmounts(amounts: Readonly<Record<string, string | number>>): ReadonlyMap<string, string> {
  return new Map(Object.entries(amounts).map(([asset, amount]) => [asset, String(amount)]));
}

/** A percentage, or a fraction, as a fraction. */
function fractionOf(ratio: string | number): string {
  const text = String(ratio);
  if (!text.endsWith('%')) return new ExactDecimal(text).toFixed();
  return new ExactDecimal(text.slice(0, -1)).times('0.01').toFixed();
}

/** 00:00 UTC of a day, ms; undefined when the calendar does not have it. */
function startOfDay(day: string): number | undefined {
  const ms = Date.parse(`${day}T00:00:00Z`);
  return Number.isFinite(ms) && new Date(ms).toISOString().startsWith(day) ? ms : undefined;
}

function anonymousClient(entry: ClientEntry | undefined, account: string): Client {
  return {
    name: ANONYMOUS,
    account,
    secret: undefined,
    publicKey: undefined,
    requireSignature: false,
    permissions: new Set(['market-data']),
    symbols: undefined,
    order: undefined,
    approval: undefined,
    weightPerMinute: entry?.weightPerMinute,
    requestsPerSecond: entry?.requestsPerSecond,
    stopAfterRefusals: undefined,
    expiresMs: undefined,
    deadMan: undefined,
    cancelOnDisconnectMs: undefined,
    policyMode: 'enforce',
  };
}
