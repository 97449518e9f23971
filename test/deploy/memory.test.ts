import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { type ImageLayout, layOutImage } from '../support/images/image-layout.ts';
import { writeLongTrail } from '../support/long-trail.ts';
import { addressesOf, type Child, startChild } from '../support/processes/child.ts';
import { portion } from '../support/properties.ts';
import { TEST_KEY, TEST_SECRET, upstreamsAt } from '../support/servers/proxy.ts';

const MB = 1_000_000;
const HISTORY_MB = portion(1_000, 200);
const CLIENT_KEY = 'issuedKEYissuedKEYissuedKEYissuedKEYissuedKEYissuedKEYissuedKEY1';

let simulator: Simulator;
let image: ImageLayout;
beforeAll(async () => {
  image = layOutImage(mkdtempSync(join(tmpdir(), 'memory-')));
  simulator = await startSimulator({ accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET }] });
});
afterAll(async () => {
  await simulator.close();
  rmSync(image.root, { recursive: true, force: true });
});

function serve(audit: string): Child {
  return startChild([...image.entrypoint, 'serve'], {
    cwd: image.cwd,
    env: {
      ...image.env,
      BINANCE_PROXY_PORT: '0',
      BINANCE_PROXY_OPERATOR_PORT: '0',
      BINANCE_PROXY_ENVIRONMENT: 'simulator',
      BINANCE_API_KEY: TEST_KEY,
      BINANCE_API_SECRET: TEST_SECRET,
      BINANCE_PROXY_CLIENT_KEY: CLIENT_KEY,
      BINANCE_PROXY_AUDIT_DIR: audit,
      ...upstreamsAt(simulator.url),
    },
  });
}

/** Memory of its own: pages of files, of which the kernel keeps as many as it likes, do not count. */
function ownMb({ pid }: Child): number {
  const kb = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return (Number(kb) * 1_024) / MB;
}

describe.skipIf(process.platform !== 'linux')('the memory of a proxy', () => {
  it(`A start on ${HISTORY_MB} MB of records takes no more memory than a fresh one, once the records are read`, async () => {
    const fresh = serve(join(image.root, 'var/lib/binance-proxy/fresh'));
    await addressesOf(fresh);
    const freshMb = ownMb(fresh);
    fresh.kill('SIGTERM');
    await fresh.ended;

    const audit = join(image.root, 'var/lib/binance-proxy/used');
    writeLongTrail(audit, HISTORY_MB * MB, Date.now());
    const restarted = serve(audit);
    // The one order that the history leaves open is asked for once everything is read.
    await restarted.record('call.resolved');
    await expect.poll(() => ownMb(restarted) - freshMb, { timeout: 30_000 }).toBeLessThan(10);
    restarted.kill('SIGTERM');
    expect((await restarted.ended).code).toBe(0);
  }, 240_000);
});
