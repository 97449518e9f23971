import type { Counter } from 'prom-client';
import type { Settings } from '../config/schema/settings.ts';
import type { Client } from '../core/access/client.ts';
import type { Permission } from '../core/catalogue/permission.ts';
import type { UpstreamName } from '../core/upstream.ts';
import { FAMILIES } from '../shared-data/families.ts';

/** The counters whose labels are known from the configuration and the catalogue. */
export interface KnownCounters {
  readonly calls: Counter<'client' | 'upstream' | 'permission' | 'outcome' | 'status'>;
  readonly signatures: Counter<'client' | 'account' | 'upstream'>;
  readonly unknown: Counter<'client' | 'permission'>;
  readonly reports: Counter<'client'>;
  readonly shared: Counter<'client' | 'family' | 'how'>;
  readonly saved: Counter<'client' | 'family'>;
}

/** Which permissions a call of an upstream can need. */
export type Needs = ReadonlyMap<UpstreamName, ReadonlySet<Permission>>;

export function needsOf(
  endpoints: Iterable<{ readonly upstream: UpstreamName; readonly permission: Permission }>,
): Needs {
  const needs = new Map<UpstreamName, Set<Permission>>();
  for (const { upstream, permission } of endpoints)
    needs.set(upstream, (needs.get(upstream) ?? new Set()).add(permission));
  return needs;
}

/**
 * Lets the series of every client begin at 0: an increase from nothing to 1 is none for Prometheus, so that the first lost
 * order would raise no alert. What has begun stays as it is.
 */
export function beginAtZero(
  { calls, signatures, unknown, reports, shared, saved }: KnownCounters,
  { clients, upstreams }: Pick<Settings, 'clients' | 'upstreams'>,
  needs: Needs,
): void {
  for (const client of clients.values()) {
    reports.inc({ client: client.name }, 0);
    for (const family of client.permissions.has('market-data') ? FAMILIES : []) {
      saved.inc({ client: client.name, family }, 0);
      shared.inc({ client: client.name, family, how: 'merged' }, 0);
      if (family !== 'other') shared.inc({ client: client.name, family, how: 'hit' }, 0);
    }
    for (const permission of client.permissions) unknown.inc({ client: client.name, permission }, 0);
    for (const [upstream, permissions] of needs) {
      if (upstreams[upstream] === undefined) continue;
      if (client.account !== undefined)
        signatures.inc({ client: client.name, account: client.account, upstream }, 0);
      for (const permission of permissions) beginCalls(calls, client, upstream, permission);
    }
  }
}

function beginCalls(
  calls: KnownCounters['calls'],
  { name: client, permissions }: Client,
  upstream: UpstreamName,
  permission: Permission,
): void {
  if (!permissions.has(permission)) return;
  const of = { client, upstream, permission };
  calls.inc({ ...of, outcome: 'answered', status: '2xx' }, 0);
  calls.inc({ ...of, outcome: 'unknown', status: '5xx' }, 0);
}
