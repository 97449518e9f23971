import { isDeepStrictEqual } from 'node:util';
import type { Client } from '../../core/access/client.ts';
import type { Settings } from '../schema/settings.ts';
import type { AccountWatch } from '../schema/watching/account-watch.ts';
import type { NoticeTarget } from '../schema/watching/notice-target.ts';
import { revealedWays } from '../schema/ways-out.ts';

/** What a reload changed, by name: lists in one text each, as a record can say them. */
export type Changes = Readonly<Record<string, string>>;

type Part = readonly [name: string, read: (settings: Settings) => unknown];

/** What takes effect at once and has no list of its own. */
const AT_ONCE: readonly Part[] = [
  ['environment', ({ environment }) => environment],
  ['server.allowedHosts', ({ server }) => server.allowedHosts],
  ['server.tls', ({ server: { tls } }) => tls && [tls.cert, tls.key.reveal()]],
  ['server.byName', ({ server: { byName } }) => byName && [byName.cert, byName.key.reveal()]],
  ['recvWindowMs', ({ recvWindowMs }) => recvWindowMs],
  ['upstreams', (settings) => [settings.upstreams, settings.spotOrigins, settings.socketUpstreams]],
  ['egress', ({ egress }) => revealedWays(egress)],
  ['upstreamCaFile', ({ upstreamCa }) => upstreamCa],
  ['clients.anonymous.enabled', ({ anonymousEnabled }) => anonymousEnabled],
  ['accounts.keyMaxAgeDays', ({ accountWatches }) => fieldOf(accountWatches, 'keyMaxAgeDays')],
  ['accounts.onForeign', ({ accountWatches }) => fieldOf(accountWatches, 'onForeign')],
  ['throttle.maxWaitMs', ({ throttle }) => throttle.maxWaitMs],
  ['cache', ({ cache }) => cache],
];

/** What the running process has taken from its start. */
const WITH_THE_NEXT_START: readonly Part[] = [
  ['server', ({ server: { host, port, socket, socketGroup } }) => [host, port, socket, socketGroup]],
  ['server.tls', ({ server }) => server.tls !== undefined],
  ['server.byName', ({ server }) => server.byName?.ports],
  ['operator', ({ operator }) => operator],
  ['throttle', ({ throttle }) => [throttle.reserveForOrders, throttle.replicas]],
  ['audit', ({ audit }) => [audit.dir, audit.durability, audit.key]],
  ['accounts.watch', ({ accountWatches }) => fieldOf(accountWatches, 'streams')],
  ['stateDir', ({ stateDir }) => stateDir],
  ['BINANCE_PROXY_REDIS_URL', ({ redisUrl }) => redisUrl?.reveal()],
  ['egressId', ({ egress }) => egress.main.id],
  ['logLevel', ({ logLevel }) => logLevel],
];

/** What is different in the second configuration; a text is left out when it would be empty. */
export function changes(before: Settings, after: Settings): Changes {
  const lists: Readonly<Record<string, Iterable<string>>> = {
    clientsAdded: without(after.clients, before.clients),
    clientsRemoved: without(before.clients, after.clients),
    clientsChanged: changedClients(before, after),
    keysReplaced: replacedKeys(before, after),
    accountsAdded: without(after.accounts, before.accounts),
    accountsRemoved: without(before.accounts, after.accounts),
    accountsReplaced: replacedAccounts(before, after),
    operatorsAdded: without(after.operators, before.operators),
    operatorsRemoved: without(before.operators, after.operators),
    operatorsChanged: changedOperators(before, after),
    noticesAdded: without(after.notices, before.notices),
    noticesRemoved: without(before.notices, after.notices),
    noticesChanged: changedNotices(before, after),
    denialsAdded: without(pathsOf(after), pathsOf(before)),
    denialsRemoved: without(pathsOf(before), pathsOf(after)),
    modes: changedModes(before, after),
    changed: differing(AT_ONCE, before, after),
    withNextStart: differing(WITH_THE_NEXT_START, before, after),
  };
  const texts = Object.entries(lists).map(([name, list]) => [name, [...list].join(', ')] as const);
  return Object.fromEntries(texts.filter(([, text]) => text !== ''));
}

function fieldOf(watches: Settings['accountWatches'], field: keyof AccountWatch): unknown {
  return Array.from(watches, ([name, watch]) => [name, watch[field]]);
}

function without(names: Names, others: Names): readonly string[] {
  return [...names.keys()].filter((name) => !others.has(name));
}

interface Names {
  has(name: string): boolean;
  keys(): IterableIterator<string>;
}

/** Clients that are in both, each with the fields that differ. */
function changedClients(before: Settings, after: Settings): readonly string[] {
  return [...after.clients].flatMap(([name, client]) => {
    const old = before.clients.get(name);
    const fields = old === undefined ? [] : changedFields(old, client);
    return fields.length === 0 ? [] : `${name} (${fields.join(' ')})`;
  });
}

function changedFields(before: Client, after: Client): readonly string[] {
  const fields = Object.keys(after) as (keyof Client)[];
  return fields.filter((field) =>
    field === 'secret' || field === 'publicKey'
      ? !sameKey(before[field], after[field])
      : !isDeepStrictEqual(before[field], after[field]),
  );
}

function sameKey(before: Client['secret'], after: Client['secret']): boolean {
  return before === undefined || after === undefined ? before === after : before.equals(after);
}

/** Clients that are in both and whose issued key is another one. */
function replacedKeys(before: Settings, after: Settings): readonly string[] {
  const digestsBefore = digestsByClient(before);
  return [...digestsByClient(after)].flatMap(([name, digest]) => {
    const old = digestsBefore.get(name);
    return old === undefined || old === digest ? [] : name;
  });
}

function digestsByClient({ clientsByKeyDigest }: Settings): ReadonlyMap<string, string> {
  return new Map([...clientsByKeyDigest].map(([digest, { name }]) => [name, digest]));
}

/** Operators that are in both, and whose token or duty to use a passkey is another one. */
function changedOperators(before: Settings, after: Settings): readonly string[] {
  return [...after.operators].flatMap(([name, operator]) => {
    const old = before.operators.get(name);
    return old === undefined || isDeepStrictEqual(old, operator) ? [] : name;
  });
}

/** Notices that are in both and go somewhere else, or in another way. */
function changedNotices(before: Settings, after: Settings): readonly string[] {
  const revealed = (target: NoticeTarget | undefined) =>
    target && {
      ...target,
      url: target.url.reveal(),
      ...('signingKey' in target && { signingKey: target.signingKey.export().toString('hex') }),
      ...('token' in target && { token: target.token?.reveal() }),
    };
  return [...after.notices].flatMap(([name, target]) => {
    const old = before.notices.get(name);
    return old === undefined || isDeepStrictEqual(revealed(old), revealed(target)) ? [] : name;
  });
}

function replacedAccounts(before: Settings, after: Settings): readonly string[] {
  return [...after.accounts].flatMap(([name, credential]) =>
    before.accounts.get(name)?.equals(credential) === false ? name : [],
  );
}

function pathsOf({ denylist }: Settings): ReadonlySet<string> {
  return new Set(denylist.map(({ path }) => path));
}

function changedModes(before: Settings, after: Settings): readonly string[] {
  if (before.keyPreflight === after.keyPreflight) return [];
  return [`keyPreflight ${before.keyPreflight} to ${after.keyPreflight}`];
}

function differing(parts: readonly Part[], before: Settings, after: Settings): readonly string[] {
  return parts.flatMap(([name, read]) => (isDeepStrictEqual(read(before), read(after)) ? [] : name));
}
