import { hash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { SoftPasskey } from '../../support/approvals/soft-passkey.ts';
import { send } from '../../support/clients/http.ts';
import { MAIN, runToEnd } from '../../support/processes/child.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET, type TestProxy } from '../../support/servers/proxy.ts';

const TOKENS = { alice: 'alice'.repeat(12), bob: 'bob'.repeat(20), carol: 'carol'.repeat(12) } as const;
type Name = keyof typeof TOKENS;
const BOT_KEY = 'B'.repeat(64);
const YAML = `
clients:
  bot: { account: main, envPrefix: BOT, permissions: [market-data, read, spot-margin-trade], approval: { above: { USDT: "50" }, notBy: [bob] } }
operators:
  alice: { envPrefix: ALICE }
  bob: { envPrefix: BOB }
  carol: { envPrefix: CAROL, passkeyRequired: true }
`;

let folder: string;
let simulator: Simulator;
let proxy: TestProxy;
let env: Readonly<Record<string, string>>;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'approvals-'));
  simulator = await startSimulator({
    accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET, balances: { USDT: '100000' } }],
  });
  env = {
    BOT_CLIENT_KEY: BOT_KEY,
    BINANCE_PROXY_STATE_DIR: join(folder, 'state'),
    ...Object.fromEntries(
      Object.entries(TOKENS).map(([name, token]) => [
        `${name.toUpperCase()}_OPERATOR_TOKEN_SHA256`,
        hash('sha256', token),
      ]),
    ),
  };
  proxy = await startTestProxy({ upstream: simulator.url, yaml: YAML, env });
});
afterAll(async () => {
  await proxy.close();
  await simulator.close();
  rmSync(folder, { recursive: true, force: true });
});

const operatorPort = () => Number(new URL(proxy.operatorUrl).port);
const get = (path: string, name: Name = 'alice') =>
  send(operatorPort(), path, { headers: { authorization: `Bearer ${TOKENS[name]}` } });
const post = (
  path: string,
  body: unknown,
  name: Name = 'alice',
  headers: Readonly<Record<string, string>> = {},
) =>
  send(operatorPort(), path, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKENS[name]}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });

let amount = 100;
let id = '';
let digest = '';
const order = () =>
  send(proxy.port, '/api/v3/order', {
    method: 'POST',
    headers: { 'x-mbx-apikey': BOT_KEY },
    body: `symbol=BTCUSDT&side=BUY&type=MARKET&quoteOrderQty=${amount}`,
  });
/** An ask of its own for each test: nobody has said anything about this amount. */
beforeEach(async () => {
  for (const ticket of proxy.parts.decisions.list())
    proxy.parts.decisions.decide({ operator: 'alice', channel: 'test', passkeyRequired: false }, ticket.id, {
      decision: 'deny',
      reason: 'tidy up',
    });
  amount += 10;
  id = String((await order()).headers['x-proxy-approval']);
  digest = proxy.parts.decisions.show(id).digest;
});

describe('the routes of approvals', () => {
  it('An operator lists what waits, looks at it whole and approves exactly that', async () => {
    expect((await get('/operator/approvals')).json).toMatchObject({
      approvals: [{ id, state: 'pending', client: 'bot' }],
    });
    expect((await get(`/operator/approvals/${id}`)).json).toMatchObject({
      ...{ id, digest, rule: 'approval.above', quorum: 1, approvers: [] },
      words: expect.stringContaining(`bot wants to BUY for ${amount} BTCUSDT MARKET, worth ${amount} USDT`),
      parameters: `quoteOrderQty=${amount}&side=BUY&symbol=BTCUSDT&type=MARKET`,
    });
    expect((await post(`/operator/approvals/${id}`, { decision: 'approve', digest })).json).toMatchObject({
      state: 'approved',
    });
    expect((await order()).status).toBe(200);
    expect(proxy.records('approval.decided').at(-1)).toMatchObject({
      approval: { id, operator: 'alice', channel: 'token', decision: 'approve' },
    });
  });

  it('A no needs a reason and no digest, and the app is told', async () => {
    expect((await post(`/operator/approvals/${id}`, { decision: 'deny' })).status).toBe(400);
    expect(
      (await post(`/operator/approvals/${id}`, { decision: 'deny', reason: 'not today' })).json,
    ).toMatchObject({ state: 'denied' });
    const refused = await order();
    expect([refused.headers['x-proxy-error'], refused.json?.msg]).toEqual([
      'PROXY_APPROVAL_DENIED',
      expect.stringContaining('not today'),
    ]);
  });

  it('Nothing is decided by a GET, without a token, with a key of an app, or from another page', async () => {
    const yes = { decision: 'approve', digest };
    const anonymous = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(yes),
    };
    expect((await get(`/operator/approvals/${id}?decision=approve&digest=${digest}`)).status).toBe(200);
    expect((await send(operatorPort(), `/operator/approvals/${id}`, anonymous)).status).toBe(401);
    const withKey = { ...anonymous, headers: { ...anonymous.headers, 'x-mbx-apikey': BOT_KEY } };
    expect((await send(operatorPort(), `/operator/approvals/${id}`, withKey)).status).toBe(401);
    const bearer = { ...anonymous, headers: { ...anonymous.headers, authorization: `Bearer ${BOT_KEY}` } };
    expect((await send(operatorPort(), `/operator/approvals/${id}`, bearer)).status).toBe(401);
    for (const origin of ['http://evil.example', 'null'])
      expect((await post(`/operator/approvals/${id}`, yes, 'alice', { origin })).status).toBe(403);
    expect(
      (await post(`/operator/approvals/${id}`, yes, 'alice', { 'sec-fetch-site': 'cross-site' })).status,
    ).toBe(403);
    expect((await order()).headers['x-proxy-error']).toBe('PROXY_APPROVAL_PENDING');
  });

  it.each<[string, unknown, number]>([
    ['no digest', { decision: 'approve' }, 400],
    ['a digest of too few digits', { decision: 'approve', digest: 'abc' }, 409],
    ['another digest', { decision: 'approve', digest: '0'.repeat(64) }, 409],
    ['another word', { decision: 'maybe' }, 400],
    ['a list', [], 400],
    ['nothing', null, 400],
  ])('A yes with %s is none', async (_, body, status) => {
    expect((await post(`/operator/approvals/${id}`, body)).status).toBe(status);
    expect(proxy.parts.decisions.show(id).state).toBe('pending');
  });

  it('Who may not approve for a client is told so', async () => {
    expect((await post(`/operator/approvals/${id}`, { decision: 'approve', digest }, 'bob')).status).toBe(
      403,
    );
  });

  it('An id that was never asked is not found', async () => {
    for (const path of ['/operator/approvals/0000', '/operator/approvals/..%2f', '/operator/approvals/x'])
      expect((await get(path)).status).toBe(404);
  });

  it('A token opens nothing on the listener for apps', async () => {
    const reply = await send(proxy.port, `/operator/approvals/${id}`, {
      headers: { authorization: `Bearer ${TOKENS.alice}` },
    });
    expect(reply.status).toBe(404);
    expect(
      (
        await send(proxy.port, `/proxy/approvals/${id}`, {
          headers: { authorization: `Bearer ${TOKENS.alice}` },
        })
      ).status,
    ).toBe(401);
  });
});

describe('passkeys over HTTP', () => {
  it('An operator who needs one enrols it with the token and approves with it', async () => {
    const passkey = new SoftPasskey('ES256');
    const enrolment = (await post('/operator/passkeys/challenge', {}, 'carol')).json as Record<
      string,
      string
    >;
    const made = passkey.create(enrolment.challenge ?? '', enrolment.origin ?? '');
    expect((await post('/operator/passkeys', { nonce: enrolment.nonce, ...made }, 'carol')).json).toEqual({
      enrolled: true,
    });
    const yes = { decision: 'approve', digest };
    expect((await post(`/operator/approvals/${id}`, yes, 'carol')).status).toBe(403);
    const asked = (await post('/operator/passkeys/challenge', { approval: id, decision: 'approve' }, 'carol'))
      .json as Record<string, string>;
    expect(asked).toMatchObject({ rpId: 'localhost', credentialIds: [passkey.credentialId] });
    const assertion = { nonce: asked.nonce, ...passkey.get(asked.challenge ?? '', asked.origin ?? '') };
    expect((await post(`/operator/approvals/${id}`, { ...yes, passkey: assertion }, 'alice')).status).toBe(
      403,
    );
    const again = (await post('/operator/passkeys/challenge', { approval: id, decision: 'approve' }, 'carol'))
      .json as Record<string, string>;
    const second = { nonce: again.nonce, ...passkey.get(again.challenge ?? '', again.origin ?? '') };
    expect(
      (await post(`/operator/approvals/${id}`, { ...yes, passkey: second }, 'carol')).json,
    ).toMatchObject({ state: 'approved' });
    expect(proxy.records('approval.decided').at(-1)).toMatchObject({
      approval: { passkey: { credentialId: passkey.credentialId } },
    });
    expect(proxy.records('passkey.enrolled')).toHaveLength(1);
  });
});

describe('the command approvals', () => {
  const run = (...args: readonly string[]) => {
    writeFileSync(join(folder, 'alice.token'), TOKENS.alice, { mode: 0o600 });
    return runToEnd([MAIN, 'approvals', ...args, '--token-file', 'alice.token', '--url', proxy.operatorUrl], {
      cwd: folder,
      env: {},
    });
  };

  it('Lists, shows, and approves by id and the start of the digest', async () => {
    const list = await run();
    expect([list.code, list.stdout]).toEqual([
      0,
      expect.stringContaining(`${id}  pending   ${digest.slice(0, 16)}`),
    ]);
    const shown = await run('show', id);
    expect([shown.code, shown.stdout]).toEqual([0, expect.stringContaining(digest)]);
    expect(shown.stdout).toContain(`quoteOrderQty=${amount}&side=BUY&symbol=BTCUSDT&type=MARKET`);
    const wrong = await run('approve', id, '00000000');
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('The digest is not the one')]);
    const approved = await run('approve', id, digest.slice(0, 8));
    expect([approved.code, approved.stdout]).toEqual([0, expect.stringContaining(`${id}  approved`)]);
    expect((await order()).status).toBe(200);
  });

  it('Denies with a reason', async () => {
    expect((await run('deny', id)).code).toBe(64);
    const denied = await run('deny', id, '--reason', 'not today', '--json');
    expect(JSON.parse(denied.stdout)).toMatchObject({ id, state: 'denied', reason: 'not today' });
  });

  it.each([[['approve', 'abc']], [['show', '../x']], [['approve', 'abc', 'def', 'ghi']], [['everything']]])(
    'What it does not understand does nothing (%j)',
    async (args) => {
      expect((await run(...args)).code).toBe(64);
    },
  );
});
