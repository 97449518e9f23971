import { createHmac } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { UnsealedRecord } from '../../src/core/records/record.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { send } from '../support/clients/http.ts';
import { type NoticeServer, startNoticeServer } from '../support/notice-server.ts';
import { ALL_KINDS, allAt, NTFY_TOKEN, SECRET, SECRETS, TOKEN } from '../support/notice-targets.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET, type TestProxy } from '../support/servers/proxy.ts';

const FAILED: UnsealedRecord = {
  event: 'preflight.failed',
  account: 'main',
  msg: `The key <${TEST_KEY}> may withdraw & ${SECRET} is told.`,
  detail: { key: 'abcdef012345' },
};

let simulator: Simulator;
let proxy: TestProxy | undefined;
const servers: NoticeServer[] = [];
afterEach(async () => {
  await proxy?.close();
  await simulator.close();
  await Promise.all(servers.splice(0).map((server) => server.close()));
  proxy = undefined;
});

async function serverThat(...args: Parameters<typeof startNoticeServer>): Promise<NoticeServer> {
  const server = await startNoticeServer(...args);
  servers.push(server);
  return server;
}

async function start(env: Readonly<Record<string, string>>, yaml = ALL_KINDS, pausesMs = [50, 50, 50]) {
  simulator = await startSimulator({ accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET }] });
  proxy = await startTestProxy({
    upstream: simulator.url,
    yaml,
    env,
    timeouts: { noticePausesMs: pausesMs, noticeMs: 1_000 },
  });
  return proxy;
}

const ONE = 'notices: [{ name: hook, kind: webhook, envPrefix: HOOK }]';
const oneAt = (url: string) => ({ HOOK_URL: `${url}/hook`, HOOK_SECRET: SECRET });

describe('each kind of notice', () => {
  it('Is sent as its service takes it, signed where it is a webhook, and holds no secret', async () => {
    const server = await serverThat();
    const { parts, lines } = await start(allAt(server.url));
    parts.trail.note(FAILED);
    await expect.poll(() => server.taken.length).toBe(4);
    const at = (begin: string) => {
      const found = server.taken.find(({ target }) => target.startsWith(begin));
      if (found === undefined) throw new Error(`nothing was sent to ${begin}`);
      return found;
    };
    const hook = at('/hook');
    const [, seconds = '', signature] =
      /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(hook.headers['x-proxy-signature'])) ?? [];
    expect(signature).toBe(createHmac('sha256', SECRET).update(`${seconds}.${hook.body}`).digest('hex'));
    expect(Math.abs(Number(seconds) * 1000 - Date.now())).toBeLessThan(60_000);
    expect(JSON.parse(hook.body)).toMatchObject({
      event: 'preflight.failed',
      severity: 'critical',
      account: 'main',
      text: 'The key <***> may withdraw & *** is told.',
      detail: { key: 'abcdef012345' },
      count: 1,
      dropped: 0,
    });
    const phone = at('/ntfy');
    expect(phone.headers).toMatchObject({
      title: 'A key may too much',
      priority: '5',
      authorization: `Bearer ${NTFY_TOKEN}`,
    });
    expect(phone.body).toContain('may withdraw');
    const chat = at('/bot');
    expect(chat.target).toBe(`/bot${TOKEN}/sendMessage`);
    expect(JSON.parse(chat.body)).toMatchObject({
      chat_id: '-1001234',
      text: expect.stringContaining('account main, key abcdef012345') as string,
      link_preview_options: { is_disabled: true },
    });
    const team = at('/services');
    expect(JSON.parse(team.body)).toMatchObject({
      text: expect.stringContaining('The key &lt;***&gt; may withdraw &amp; *** is told.') as string,
      unfurl_links: false,
    });
    for (const secret of SECRETS) {
      for (const { body } of server.taken) expect(body).not.toContain(secret);
      expect(lines.join('\n')).not.toContain(secret);
    }
  });
});

describe('a service that does not take it', () => {
  it.each([
    ['answers wrongly', 500, 'it was answered with status 500'],
    ['redirects', 307, 'it was answered with a redirect (307), which is not followed'],
  ])(
    '%s: four tries, then one record without the address, and nobody else is asked',
    async (_, status, why) => {
      const elsewhere = await serverThat();
      const server = await serverThat((response) => {
        response.writeHead(status, { location: `${elsewhere.url}/stolen` }).end(`${SECRET}`);
      });
      const { parts, records, lines } = await start(oneAt(server.url), ONE);
      parts.trail.note(FAILED);
      await expect
        .poll(() => records('notice.failed'))
        .toMatchObject([
          { msg: why, detail: { notice: 'hook', kind: 'webhook', about: 'preflight.failed', tries: 4 } },
        ]);
      expect([server.taken.length, elsewhere.taken.length]).toEqual([4, 0]);
      expect(lines.join('\n')).not.toContain(new URL(server.url).host);
    },
  );

  it('Takes it at the last try: it was told, and each try is signed with its own time', async () => {
    const server = await serverThat((response, number) => {
      response.writeHead(number < 4 ? 503 : 204).end();
    });
    const { parts, records } = await start(oneAt(server.url), ONE);
    parts.trail.note(FAILED);
    await expect.poll(() => parts.notices.state).toMatchObject([{ name: 'hook', sent: 1, failed: 0 }]);
    expect([server.taken.length, records('notice.failed')]).toEqual([4, []]);
  });

  it('Is silent: calls pass meanwhile, equal notices are joined, and the queue is bounded', async () => {
    const server = await serverThat(() => {});
    const running = await start(oneAt(server.url), ONE, [60_000]);
    const { trail, notices } = running.parts;
    trail.note(FAILED);
    await expect.poll(() => server.taken.length).toBe(1);
    for (let times = 0; times < 1_000; times++) trail.note({ ...FAILED, msg: `Another one ${times}.` });
    for (let times = 0; times < 50; times++) trail.note({ ...FAILED, msg: 'Another one 7.' });
    expect((await send(running.port, '/api/v3/account')).status).toBe(200);
    expect(notices.state).toMatchObject([{ waiting: 101, dropped: 900 }]);
  });

  it('Is not there, or is the proxy itself: the record says so', async () => {
    const gone = await startNoticeServer();
    await gone.close();
    const running = await start(oneAt(gone.url), ONE);
    running.parts.trail.note(FAILED);
    await expect
      .poll(() => running.records('notice.failed').map(({ msg }) => msg))
      .toEqual(['there was no connection (ECONNREFUSED)']);
    running.reload(oneAt(running.url), ONE);
    running.parts.trail.note({ ...FAILED, msg: 'Another.' });
    await expect
      .poll(() => running.records('notice.failed').map(({ msg }) => msg))
      .toContain('its address is one of the proxy itself');
  });
});

describe('what is told', () => {
  it('A key that stops the start is told before the process ends', async () => {
    const server = await serverThat();
    simulator = await startSimulator({
      accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET, restrictions: { enableWithdrawals: true } }],
    });
    const env = { ...oneAt(server.url), BINANCE_PROXY_KEY_PREFLIGHT: 'enforce' };
    await expect(startTestProxy({ upstream: simulator.url, yaml: ONE, env })).rejects.toThrow(
      /Enable Withdrawals/,
    );
    expect(server.taken.map(({ body }) => (JSON.parse(body) as { event: string }).event)).toEqual([
      'preflight.failed',
    ]);
  });

  it('At most twenty in a minute, the rest waits; one that comes again within a minute is told with its number', async () => {
    const server = await serverThat();
    const { parts } = await start(oneAt(server.url), ONE);
    for (let times = 0; times < 30; times++) parts.trail.note({ ...FAILED, msg: `Key ${times}.` });
    await expect.poll(() => server.taken.length).toBe(20);
    for (let times = 0; times < 3; times++) parts.trail.note({ ...FAILED, msg: 'Key 0.' });
    expect(parts.notices.state).toMatchObject([{ waiting: 11, sent: 20 }]);
    expect(server.taken.length).toBe(20);
  });

  it('What waits when the proxy ends is tried once more', async () => {
    const server = await serverThat();
    const running = await start(oneAt(server.url), ONE);
    for (let times = 0; times < 25; times++) running.parts.trail.note({ ...FAILED, msg: `Key ${times}.` });
    await running.close();
    proxy = undefined;
    expect(server.taken.length).toBe(25);
  });
});
