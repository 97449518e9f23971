import { appendFileSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { createAuditTrail } from '../src/audit/audit-trail.ts';
import { createFileAuditSink } from '../src/audit/file-audit-sink.ts';
import { loadCatalogue } from '../src/config/load-catalogue.ts';
import { readCall } from '../src/core/call.ts';
import { buildCatalogue, type CatalogueEntry } from '../src/core/catalogue.ts';
import type { Client } from '../src/core/client.ts';
import { callParameters, readIntendedOrders } from '../src/core/intended-orders.ts';
import { judgeOrders } from '../src/core/order-rules.ts';
import { startProxy } from './proxy.ts';
import { load, ORDER } from './rounds.ts';
import { batches } from './stages.ts';

/** How one cost changes as something grows. */
export interface Growth {
  readonly what: string;
  readonly from: string;
  readonly to: string;
  /** Cost at both ends, with its unit. */
  readonly costs: readonly [string, string];
}

const MANY = 1_000;

/** What must not make a call dearer as it grows. */
export async function measureGrowth(
  lg: string,
  folder: string,
  upstream: { readonly plain: string; readonly pid: number },
): Promise<readonly Growth[]> {
  return [catalogueSize(), orderRules(), auditFileSize(folder), await clients(lg, folder, upstream)];
}

function catalogueSize(): Growth {
  const usual = loadCatalogue();
  const entries = (count: number): CatalogueEntry[] =>
    Array.from({ length: count }, (_, index) => ({
      ...{ method: 'GET', path: `/api/v3/grown/${index}`, security: 'SIGNED', securityType: 'USER_DATA' },
      permission: 'read',
      ip: 1,
    }));
  const grown = buildCatalogue([{ product: 'grown', upstream: 'spot', endpoints: entries(10 * MANY) }]);
  return {
    what: 'endpoints in the catalogue: one look-up',
    from: String(usual.endpoints.length),
    to: String(10 * MANY),
    costs: [
      micros(batches(() => usual.find('spot', 'GET', '/api/v3/account'), 20_000)),
      micros(batches(() => grown.find('spot', 'GET', `/api/v3/grown/${MANY}`), 20_000)),
    ],
  };
}

function orderRules(): Growth {
  const endpoint = loadCatalogue().find('spot', 'POST', '/api/v3/order')!;
  const call = readCall('POST', '/api/v3/order', Buffer.from(ORDER));
  const judge = (symbols: number) => {
    const names = Array.from({ length: symbols }, (_, index) => `A${index}USDT`);
    const client: Client = {
      ...{ name: 'bot', account: 'main', secret: undefined, requireSignature: false, permissions: new Set() },
      ...{ symbols: new Set([...names, 'BTCUSDT']), order: undefined, weightPerMinute: undefined },
      ...{ requestsPerSecond: undefined, policyMode: 'enforce' },
    };
    return micros(batches(() => judgeOrders(client, readIntendedOrders(endpoint, callParameters(call)))));
  };
  return {
    what: 'symbols that a client may trade: one order judged',
    from: '1',
    to: String(MANY),
    costs: [judge(0), judge(MANY)],
  };
}

function auditFileSize(folder: string): Growth {
  const own = mkdtempSync(join(folder, 'growth-'));
  const trail = createAuditTrail({
    ...{ sink: createFileAuditSink({ folder: own, key: undefined, durability: 'process' }), log: () => {} },
    now: Date.now,
  });
  const write = () =>
    trail.write({ event: 'call.signed', requestId: 'growth', path: '/api/v3/order', weight: 1 });
  const small = batches(write);
  const name = `audit-${new Date().toISOString().slice(0, 10)}.ndjson`;
  const filler = Buffer.alloc(16 * 1024 * 1024, `${'x'.repeat(499)}\n`);
  for (let i = 0; i < 32; i++) appendFileSync(join(own, name), filler);
  const large = batches(write);
  trail.close();
  return {
    what: 'audit file: one record',
    from: '5 MB',
    to: '512 MB',
    costs: [micros(small), micros(large)],
  };
}

async function clients(
  lg: string,
  folder: string,
  upstream: { readonly plain: string; readonly pid: number },
): Promise<Growth> {
  const costs: string[] = [];
  for (const count of [1, MANY]) {
    const names = Array.from({ length: count }, (_, index) => `bot-${index}`);
    const env = Object.fromEntries(
      names.flatMap((_, index) => [
        [`BOT_${index}_CLIENT_KEY`, `growthKey${index}`.padEnd(64, 'K')],
        [`BOT_${index}_CLIENT_SECRET`, `growthSecret${index}`.padEnd(64, 'S')],
      ]),
    );
    const key = 'growthKey0'.padEnd(64, 'K');
    const yaml = `accounts: { main: { envPrefix: BINANCE } }\nclients:\n${names
      .map(
        (name, index) =>
          `  ${name}: { account: main, envPrefix: BOT_${index}, permissions: [market-data, read] }`,
      )
      .join('\n')}\n`;
    const proxy = await startProxy(folder, {
      upstream: upstream.plain,
      yaml,
      env: { ...env, BINANCE_PROXY_CLIENT_KEY: undefined },
    });
    const shape = { loop: 'closed', level: 16, method: 'GET', seconds: 2 } as const;
    await load(lg, proxy, shape, upstream.pid, key);
    const { cpuMicros, errors } = await load(lg, proxy, shape, upstream.pid, key);
    costs.push(`${micros(cpuMicros ?? 0)} CPU${errors === 0 ? '' : `, ${errors} errors`}`);
    await proxy.program?.stop();
  }
  return {
    what: 'clients with key and secret: one signed call',
    from: '1',
    to: String(MANY),
    costs: [costs[0] ?? '', costs[1] ?? ''],
  };
}

function micros(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 0)} µs`;
}
