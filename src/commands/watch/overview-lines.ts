import type { Overview } from '../../operator/overview/overview.ts';

/** What the listener for operators answers: the overview. */
export type WatchedOverview = Overview;

const BAR_WIDTH = 24;
const MOST_BUDGETS = 12;
const MOST_REFUSALS = 8;

/** The overview as lines of at most so many characters, what is not well first. */
export function overviewLines(overview: Overview, columns: number): readonly string[] {
  const { environment, isLive, version, nowMs, startedMs, status, openSockets, unresolved } = overview;
  const uptime = Math.floor((nowMs - startedMs) / 60_000);
  const lines = [
    `binance-signing-proxy ${version}, ${isLive ? 'LIVE' : environment}, ${new Date(nowMs).toISOString().slice(0, 19)}Z, running ${uptime} min`,
    '',
    ...troubleLines(overview),
    '',
    `clock ${status.clock.synced ? `known (${Math.round(status.clock.offsetMs ?? 0)} ms)` : 'UNKNOWN'}   audit ${status.audit.available ? 'written' : 'NOT WRITTEN'}   sockets ${openSockets}   unknown orders ${unresolved.length}`,
    ...keyLines(overview),
    '',
    ...budgetLines(overview),
    '',
    ...callLines(overview),
  ];
  return lines.map((line) => printable(line).slice(0, Math.max(40, columns)));
}

function troubleLines({ troubles }: Overview): readonly string[] {
  if (troubles.length === 0) return ['All is well.'];
  return troubles.flatMap(({ level, what, advice }) => [
    `${level === 'bad' ? 'BAD ' : 'note'}  ${what}`,
    `      ${advice}`,
  ]);
}

function keyLines({ status }: Overview): readonly string[] {
  return Object.entries(status.preflight).map(([account, verdict]) => {
    const { ageDays, lastUsed, ipRestrict, tooMuch = [] } = status.keys[account] ?? {};
    const ends = status.tradingAuthorityEnds[account];
    return [
      `key ${account}: preflight ${verdict}`,
      ...(ipRestrict === undefined ? [] : [ipRestrict ? 'IP list' : 'NO IP LIST']),
      ...(ageDays === undefined ? [] : [`${ageDays} days old`]),
      lastUsed === undefined ? 'not used yet' : `used ${lastUsed.slice(0, 16)}Z`,
      ...(ends === undefined ? [] : [`may trade until ${ends.slice(0, 10)}`]),
      ...(tooMuch.length === 0 ? [] : [`TOO MUCH: ${tooMuch.join(' ')}`]),
    ].join(', ');
  });
}

function budgetLines({ budgets }: Overview): readonly string[] {
  const rows = budgets.buckets
    .map(({ key, used, reported, limit }) => ({ key, used: Math.max(used, reported), limit }))
    .toSorted((one, other) => other.used / other.limit - one.used / one.limit)
    .slice(0, MOST_BUDGETS);
  const width = Math.max(0, ...rows.map(({ key }) => key.length));
  return rows.map(({ key, used, limit }) => {
    const filled = Math.min(BAR_WIDTH, Math.round((BAR_WIDTH * used) / limit));
    return `${key.padEnd(width)} [${'#'.repeat(filled).padEnd(BAR_WIDTH, '.')}] ${used} / ${limit}`;
  });
}

function callLines({ calls, states }: Overview): readonly string[] {
  const { added, upstream, clients, refusals, recentMinutes } = calls;
  const ms = (value: number | undefined) => (value === undefined ? '-' : `${value.toFixed(2)} ms`);
  const width = Math.max(6, ...clients.map(({ client }) => client.length));
  return [
    `last ${recentMinutes} min: added p50 ${ms(added.p50Ms)}, p99 ${ms(added.p99Ms)}; Binance p50 ${ms(upstream.p50Ms)}, p99 ${ms(upstream.p99Ms)}`,
    `${'client'.padEnd(width)}   calls  refused  unknown`,
    ...clients.map(
      ({ client, recent }) =>
        `${client.padEnd(width)} ${String(recent.calls).padStart(7)} ${String(recent.refused).padStart(8)} ${String(recent.unknown).padStart(8)}`,
    ),
    ...refusals.slice(0, MOST_REFUSALS).map(({ error, rule, count }) => `${count} x ${error} ${rule ?? ''}`),
    ...states.map(
      ({ scope, name, state, operator, reason }) => `${scope} ${name} ${state} (${operator}: ${reason})`,
    ),
  ];
}

/** Names and reasons are texts of others: nothing of them moves the cursor. */
function printable(line: string): string {
  return line.replace(/\p{C}/gu, '?');
}
