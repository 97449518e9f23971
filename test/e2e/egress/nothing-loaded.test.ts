import { describe, expect, it } from 'vitest';
import { startSocksProxy } from '../../support/egress/egress-proxies.ts';
import { folderWith } from '../../support/fixtures/config-folder.ts';
import { runToEnd } from '../../support/processes/child.ts';
import { TEST_KEY, TEST_SECRET, upstreamsAt } from '../../support/servers/proxy.ts';

/** Checks, and prints which files were loaded. */
const SCRIPT = `
  import { registerHooks } from 'node:module';
  const loaded = [];
  registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
  process.on('exit', () => console.log('LOADED ' + loaded.join(' ')));
  process.argv = [process.argv[0], 'main', 'check'];
  await import(${JSON.stringify(new URL('../../../src/main.ts', import.meta.url).href)});
`;

async function loadedBy(env: Readonly<Record<string, string>>): Promise<string> {
  const ended = await runToEnd(['--input-type=module', '--eval', SCRIPT], {
    cwd: folderWith(),
    env: {
      BINANCE_API_KEY: TEST_KEY,
      BINANCE_API_SECRET: TEST_SECRET,
      BINANCE_PROXY_ENVIRONMENT: 'simulator',
      ...upstreamsAt('http://127.0.0.1:9'),
      ...env,
    },
  });
  return /^LOADED (.*)$/m.exec(ended.stdout)?.[1] ?? '';
}

describe('what a way out costs who has none', () => {
  it('Nothing of it is loaded where calls leave directly', async () => {
    const direct = await loadedBy({});
    expect(direct).toContain('connections/connector.ts');
    expect(direct).not.toMatch(/way-out\.ts|-tunnel\.ts|node_modules\/socks\//);
    const way = await startSocksProxy();
    const through = await loadedBy({ BINANCE_PROXY_EGRESS_PROXY: `socks5://${way.address}` });
    await way.kill();
    expect(through).toMatch(/way-out\.ts.*socks-tunnel\.ts.*node_modules\/socks\//);
  });
});
