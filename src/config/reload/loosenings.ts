import { ANONYMOUS } from '../../core/access/client.ts';
import { createDenylist, deniesAllOf } from '../../core/catalogue/denylist.ts';
import type { Settings } from '../schema/settings.ts';
import { isLoopbackName } from '../sections/hosts.ts';
import { clientLoosenings } from './client-loosenings.ts';
import { judgeWaysOut } from './lost-ways-out.ts';

/** One sentence for each guard that the second configuration would take away, by names only. */
type Judge = (before: Settings, after: Settings) => readonly string[];

/** Guards nothing, or takes effect with the next start only. */
const FREE: Judge = () => [];

/** Every part of a configuration: one that is added has to be judged here before the program compiles. */
const PARTS: { readonly [Part in keyof Settings]-?: Judge } = {
  files: judgeFiles,
  environment: (before, after) =>
    before.environment === after.environment ? [] : ['environment would be another one.'],
  // Follows from the origins.
  isLive: FREE,
  upstreams: judgeOrigins,
  // Judged together with the origins of spot.
  spotOrigins: FREE,
  socketUpstreams: FREE,
  upstreamCa: judgeAuthorities,
  server: judgeHosts,
  operator: (before, after) =>
    isLoopbackName(before.operator.host) && !isLoopbackName(after.operator.host)
      ? ['operator.host would be no loopback address: other machines would reach its listener.']
      : [],
  // A token may be replaced; whoever was none before becomes an operator with a start only.
  operators: (before, after) => [
    ...[...after.operators.keys()]
      .filter((name) => !before.operators.has(name))
      .map((name) => `operators.${name} would be added.`),
    ...[...before.operators.values()]
      .filter(
        ({ name, passkeyRequired }) =>
          passkeyRequired && after.operators.get(name)?.passkeyRequired === false,
      )
      .map(({ name }) => `operators.${name} would need no passkey.`),
  ],
  // Where a notice goes may change; that nobody is told any more has to be meant.
  notices: (before, after) =>
    [...before.notices.keys()]
      .filter((name) => !after.notices.has(name))
      .map((name) => `notices would lose ${name}.`),
  recvWindowMs: (before, after) =>
    after.recvWindowMs > before.recvWindowMs ? ['recvWindowMs would be higher.'] : [],
  keyPreflight: (before, after) =>
    STRICTNESS.indexOf(after.keyPreflight) < STRICTNESS.indexOf(before.keyPreflight)
      ? [`keyPreflight would go from ${before.keyPreflight} to ${after.keyPreflight}.`]
      : [],
  // Keys and secrets are replaced freely; an account that a client needs has been asked for by then.
  accounts: FREE,
  accountWatches: (before, after) =>
    [...before.accountWatches].flatMap(([name, { onForeign }]) =>
      onForeign === 'cancel-only' && after.accountWatches.get(name)?.onForeign === 'tell'
        ? [`accounts.${name}.onForeign would go from cancel-only to tell.`]
        : [],
    ),
  clients: (before, after) =>
    [...before.clients].flatMap(([name, client]) => {
      const next = after.clients.get(name);
      // What is off needs no limit: turning it on again is a loosening itself.
      const isOff = name === ANONYMOUS && !after.anonymousEnabled;
      return next === undefined || isOff ? [] : clientLoosenings(client, next);
    }),
  clientsByKeyDigest: judgeKeys,
  anonymousEnabled: (before, after) =>
    after.anonymousEnabled && !before.anonymousEnabled
      ? ['clients.anonymous would be enabled: calls without a key would pass.']
      : [],
  denylist: judgeDenials,
  audit: (before, after) =>
    before.audit.key !== undefined && after.audit.key === undefined
      ? ['BINANCE_PROXY_AUDIT_KEY is gone.']
      : [],
  redisUrl: (before, after) =>
    before.redisUrl !== undefined && after.redisUrl === undefined ? ['BINANCE_PROXY_REDIS_URL is gone.'] : [],
  throttle: FREE,
  cache: FREE,
  stateDir: FREE,
  egress: judgeWaysOut,
  logLevel: FREE,
  secretMask: FREE,
  warnings: FREE,
  allowLoosening: FREE,
  watchSecrets: FREE,
  secretFiles: FREE,
};

const STRICTNESS: readonly Settings['keyPreflight'][] = ['off', 'warn', 'enforce'];
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * What a running proxy would refuse no more if the second configuration took the place of the first: one sentence for
 * each loosened thing, none when guards stay or are tightened. Secrets and their values are not named.
 */
export function loosenings(before: Settings, after: Settings): readonly string[] {
  return Object.values(PARTS).flatMap((judge) => judge(before, after));
}

/** What was read once has to be there and to say something: an editor or a deployment may be half way through. */
function judgeFiles({ files }: Settings, after: Settings): readonly string[] {
  const sentences: string[] = [];
  for (const [role, { name }] of files) {
    if (!after.files.has(role)) sentences.push(`${name} was there before and is gone.`);
  }
  for (const [role, { name, isEmpty }] of after.files) {
    if (isEmpty && files.get(role)?.isEmpty !== true) sentences.push(`${name} is empty.`);
  }
  return sentences;
}

/** An origin may go, and a list of them may change its order; with the environment all change at once. */
function judgeOrigins(before: Settings, after: Settings): readonly string[] {
  if (before.environment !== after.environment) return [];
  const known = originsOf(before);
  const names = [...originsOf(after)]
    .filter(([name, origins]) => ![...origins].every((origin) => known.get(name)?.has(origin)))
    .map(([name]) => name);
  return names.map((name) => `upstreams.${name} would be another origin.`);
}

function originsOf(settings: Settings): ReadonlyMap<string, ReadonlySet<string>> {
  const all = Object.entries({ ...settings.upstreams, ...settings.socketUpstreams });
  return new Map(
    all.map(([name, origin]) => [
      name,
      new Set([...(origin === undefined ? [] : [origin]), ...(name === 'spot' ? settings.spotOrigins : [])]),
    ]),
  );
}

/** Whoever holds the key of one more authority could stand in for Binance. */
function judgeAuthorities(before: Settings, after: Settings): readonly string[] {
  const known = before.upstreamCa?.match(CERTIFICATE) ?? [];
  const isKnown = (after.upstreamCa?.match(CERTIFICATE) ?? []).every((each) =>
    known.some((one) => one === each),
  );
  return isKnown ? [] : ['upstreamCaFile would add an authority that was not trusted before.'];
}

/** The listener stays where it is; the names under which it may be called come from here. */
function judgeHosts(before: Settings, after: Settings): readonly string[] {
  const known = hostNames(before);
  const further = [...hostNames(after)].filter((name) => !known.has(name) && !isLoopbackName(name));
  return further.length === 0 ? [] : [`server would accept further Host names: ${further.join(', ')}.`];
}

function hostNames({ server }: Settings): ReadonlySet<string> {
  return new Set([server.host, ...server.allowedHosts].map((name) => name.toLowerCase()));
}

/** A key stays with the client that it was issued to: under another name its app would begin anew. */
function judgeKeys(before: Settings, after: Settings): readonly string[] {
  if (before.clientsByKeyDigest.size > 0 && after.clientsByKeyDigest.size === 0)
    return ['The last client key would go: every program that reaches the listener would be trusted.'];
  return [...before.clientsByKeyDigest].flatMap(([digest, { name }]) => {
    const next = after.clientsByKeyDigest.get(digest);
    return next === undefined || next.name === name
      ? []
      : `The key of clients.${name} would be the one of clients.${next.name}.`;
  });
}

function judgeDenials(before: Settings, after: Settings): readonly string[] {
  const builtIn = createDenylist([]);
  return before.denylist
    .filter(({ path }) => builtIn.match(path) === undefined || path.includes('*'))
    .filter(({ path }) => !after.denylist.some((other) => deniesAllOf(other.path, path)))
    .map(({ path }) => `The denylist would lose ${path}.`);
}
