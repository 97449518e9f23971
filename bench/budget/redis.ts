import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { CPU_LOAD, freePort, hasProgram, type Program, start } from '../support/programs.ts';

/** A Redis server without persistence, on the core of the load; undefined where none is installed. */
export async function startRedis(folder: string): Promise<{ url: string; program: Program } | undefined> {
  if (!hasProgram('redis-server')) return undefined;
  const port = String(await freePort());
  const own = mkdtempSync(join(folder, 'redis-'));
  const options = ['--port', port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', own];
  const program = start(['redis-server', ...options], { cpu: CPU_LOAD });
  const url = `redis://127.0.0.1:${port}`;
  await untilUp(url);
  return { url, program };
}

async function untilUp(url: string): Promise<void> {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => 20, maxRetriesPerRequest: 200 });
  client.on('error', () => {});
  try {
    await Promise.race([
      client.ping(),
      pause(5_000).then(() => {
        throw new Error('redis-server did not start');
      }),
    ]);
  } finally {
    client.disconnect();
  }
}
