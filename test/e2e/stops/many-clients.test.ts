import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Entered, EnterRequest } from '../../../src/stops/entered.ts';
import { STATE_FILE } from '../../../src/stops/state-file.ts';
import { type Scope, WHOLE_PROXY } from '../../../src/stops/trading-state.ts';
import { send } from '../../support/clients/http.ts';
import { askOperator, startTestProxy, type TestProxy } from '../../support/servers/proxy.ts';
import { startUpstream, type Upstream } from '../../support/servers/upstream.ts';

const COUNT = 1_000;
const ORDER = '/api/v3/order?symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=1';
const AT_ONCE = 25;
const names = Array.from({ length: COUNT }, (_, nth) => `bot-${nth}`);
const keyOf = (name: string) => `${name}-`.repeat(20).slice(0, 64);
const prefixOf = (name: string) => name.toUpperCase().replace('-', '_');
const YAML = `clients:\n${names
  .map(
    (name) =>
      `  ${name}: { account: main, envPrefix: ${prefixOf(name)}, permissions: [read, spot-margin-trade] }\n`,
  )
  .join('')}`;
const ENV = Object.fromEntries(names.map((name) => [`${prefixOf(name)}_CLIENT_KEY`, keyOf(name)]));
const ONE: Scope = { kind: 'client', name: 'bot-500' };

describe('a thousand clients', () => {
  let upstream: Upstream;
  let proxy: TestProxy;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'many-clients-'));
    upstream = await startUpstream();
    proxy = await startTestProxy({
      upstream: upstream.url,
      env: { ...ENV, BINANCE_PROXY_STATE_DIR: folder },
      yaml: YAML,
    });
  });
  afterAll(async () => {
    await proxy.close();
    await upstream.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const enter = (state: EnterRequest['state'], scope: Scope): Promise<Entered> =>
    proxy.parts.stops.enter({
      ...{ state, scope, reason: 'a test', cancel: 'none', operator: 'alice', channel: 'test' },
    });
  const place = async (name: string) => {
    const { headers } = await send(proxy.port, ORDER, {
      method: 'POST',
      headers: { 'x-mbx-apikey': keyOf(name), 'user-agent': 'an app' },
    });
    return headers['x-proxy-error'];
  };
  /** Who was stopped, of these. */
  async function stoppedOf(asked: readonly string[]): Promise<string[]> {
    const stopped: string[] = [];
    const waiting = [...asked];
    const app = async () => {
      for (let name = waiting.shift(); name !== undefined; name = waiting.shift())
        if ((await place(name)) === 'PROXY_STOPPED') stopped.push(name);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, app));
    return stopped.toSorted();
  }

  it('A state of the whole proxy refuses the orders of every one of them, and what operators look at answers', async () => {
    await enter('cancel-only', WHOLE_PROXY);
    expect(await stoppedOf(names)).toEqual(names.toSorted());
    expect(upstream.received).toEqual([]);
    const { json } = await askOperator(proxy.operatorUrl, '/operator/state');
    expect(json?.states).toMatchObject([{ scope: 'proxy', state: 'cancel-only' }]);
    expect((await askOperator(proxy.operatorUrl, '/operator/status')).status).toBe(200);
    const metrics = await askOperator(proxy.operatorUrl, '/metrics');
    expect(metrics.text).toMatch(/^binance_proxy_state\{scope="proxy",state="cancel-only"\} 1$/m);
  });

  it('Entering one is one entry, one line in the file and one record, however many clients there are', async () => {
    await enter('run', WHOLE_PROXY);
    const before = proxy.records('state.changed').length;
    const entering = enter('cancel-only', WHOLE_PROXY);
    // It holds and is on the disk before the turn in which it was asked for ends: no client is looked at for it.
    expect(proxy.parts.stops.list()).toMatchObject([{ scope: 'proxy', state: 'cancel-only' }]);
    await entering;
    const kept = JSON.parse(readFileSync(join(folder, STATE_FILE), 'utf8'));
    expect(kept.entries).toHaveLength(1);
    expect(proxy.records('state.changed')).toHaveLength(before + 1);
    await enter('run', WHOLE_PROXY);
  });

  it('A state of one client is its own alone', async () => {
    await enter('halt', ONE);
    expect(await stoppedOf(names.filter((_, nth) => nth % 10 === 0))).toEqual(['bot-500']);
    await enter('run', ONE);
    expect(await stoppedOf(['bot-500'])).toEqual([]);
  });

  it('A name that nobody has is answered by some of the names', async () => {
    await expect(enter('halt', { kind: 'client', name: 'nobody' })).rejects.toThrow(
      /^There is no client nobody; there are bot-0, .*, bot-19 and 981 more\.$/,
    );
  });
});
