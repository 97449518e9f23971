import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { type NoticeServer, startNoticeServer } from '../support/notice-server.ts';
import { MAIN, runToEnd } from '../support/processes/child.ts';
import {
  askOperator,
  OPERATOR_TOKEN,
  startTestProxy,
  TEST_KEY,
  TEST_SECRET,
  type TestProxy,
} from '../support/servers/proxy.ts';

const ONE = 'notices: [{ name: team, kind: slack, envPrefix: TEAM }]';
let simulator: Simulator;
let server: NoticeServer;
let proxy: TestProxy;
let cwd: string;
let status = 200;

beforeAll(async () => {
  simulator = await startSimulator({ accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET }] });
  server = await startNoticeServer((response) => void response.writeHead(status).end());
  const env = { TEAM_URL: `${server.url}/services/SECRETpartOFtheADDRESS` };
  proxy = await startTestProxy({ upstream: simulator.url, yaml: ONE, env });
  cwd = mkdtempSync(join(tmpdir(), 'notices-'));
  writeFileSync(join(cwd, 'operator.token'), OPERATOR_TOKEN);
});
afterAll(async () => {
  await proxy.close();
  await simulator.close();
  await server.close();
  rmSync(cwd, { recursive: true });
});

const test = () =>
  runToEnd([MAIN, 'notices', 'test', '--token-file', 'operator.token', '--url', proxy.operatorUrl], { cwd });

describe('notices test', () => {
  it('Tells everybody once, prints what came of it, and is a record of the operator', async () => {
    const { code, stdout } = await test();
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^team {2,}slack {2,}sent/m)]);
    expect(JSON.parse(server.taken[0]?.body ?? '')).toMatchObject({
      text: expect.stringContaining('The operator default asked for it; nothing has happened.') as string,
    });
    expect(proxy.records('operator.acted').at(-1)).toMatchObject({
      detail: { operator: 'default', act: 'notices tested' },
    });
  });

  it('Is tried once where it is not taken, and says why without the address', async () => {
    status = 404;
    const before = server.taken.length;
    const { code, stdout } = await test();
    expect([code, stdout]).toEqual([
      1,
      expect.stringMatching(/^team {2,}slack {2,}not sent {2,}it was answered with status 404/m),
    ]);
    expect(server.taken.length).toBe(before + 1);
    expect(stdout).not.toMatch(/SECRETpart|127\.0\.0\.1/);
    status = 200;
  });

  it('Needs a token, and sends no more than twenty in a minute', async () => {
    const before = server.taken.length;
    const asked = await Promise.all(
      Array.from({ length: 30 }, () =>
        askOperator(proxy.operatorUrl, '/operator/notices/test', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: '{}',
        }),
      ),
    );
    const sent = asked.filter(({ text }) => text.includes('"sent":true')).length;
    expect([sent, server.taken.length]).toEqual([20 - before, 20]);
    const reply = await askOperator(proxy.operatorUrl, '/operator/notices/test', {
      method: 'POST',
      headers: { authorization: 'Bearer wrong' },
    });
    expect(reply.status).toBe(401);
  });
});
