import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { hasBrowser } from '../../support/clients/browser.ts';
import { go } from '../../support/clients/console-page.ts';
import { useConsole } from '../../support/clients/console-visits.ts';
import { send } from '../../support/clients/http.ts';
import { BOT_KEY, KEYED_TOKEN } from '../../support/console-stage.ts';
import { HOSTILE_TEXTS } from '../../support/hostile-texts.ts';

const YAML = `
clients:
  bot:
    account: main
    envPrefix: BOT
    permissions: [market-data, read, spot-margin-trade]
    approval: { above: { USDT: "3000" }, decideMs: 30000 }
operators:
  alice: { envPrefix: ALICE }
  keyed: { envPrefix: KEYED, passkeyRequired: true }
`;

const visits = useConsole({ yaml: YAML });
const { enter, look } = visits;
let number = 0;

/** An order at a third of the market's price, for so many USDT at its own: by the market it is worth three times that. */
const order = (usdt: number, price = 20_000) =>
  send(
    visits.stage.proxy.port,
    `/api/v3/order?symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=${usdt / price}&price=${price}&newClientOrderId=act-${++number}`,
    { method: 'POST', headers: { 'x-mbx-apikey': BOT_KEY } },
  );
const sentOrders = () =>
  visits.stage.simulator.requests.filter(({ method, path }) => method === 'POST' && path === '/api/v3/order')
    .length;

const card = (page: Page, what: string) => page.locator('.approval').filter({ hasText: what });

describe.skipIf(!hasBrowser)('approving in a browser', () => {
  it('A call that waits arrives by itself; a yes lets the same call pass', async () => {
    const page = await look();
    await go(page, 'Approvals');
    await page.getByText('Nothing waits for you.').waitFor();
    const before = sentOrders();
    const asked = await order(2_000);
    expect([asked.status, asked.headers['x-proxy-error'], sentOrders()]).toEqual([
      400,
      'PROXY_APPROVAL_PENDING',
      before,
    ]);
    await expect.poll(() => page.title()).toMatch(/^\(1\) /);
    // A page that is loaded anew in the middle has it still.
    await page.reload();
    await expect.poll(() => page.title()).toMatch(/^\(1\) Approvals/);
    await card(page, 'BUY 0.1 BTCUSDT').getByRole('button', { name: 'Yes', exact: true }).click();
    await page.getByRole('heading', { name: 'Decided here' }).waitFor();
    await expect.poll(async () => (await order(2_000)).status).toBe(200);
    expect(sentOrders()).toBe(before + 1);
    expect(visits.stage.proxy.records('approval.decided').at(-1)?.approval).toMatchObject({
      operator: 'alice',
      channel: 'session',
    });
  });

  it('A no needs a reason, and the app is refused', async () => {
    const page = await look();
    await order(3_000);
    await go(page, 'Approvals');
    const one = card(page, 'BUY 0.15 BTCUSDT');
    await one.getByRole('button', { name: 'No…' }).click();
    await one.getByLabel(/^Why not/).fill('not today');
    await one.getByRole('button', { name: 'Say no' }).click();
    await page.getByText('denied').waitFor();
    const refused = await order(3_000);
    expect([refused.status, refused.headers['x-proxy-error']]).toEqual([400, 'PROXY_APPROVAL_DENIED']);
  });

  it('Where the operator needs a passkey, the yes is signed by it', async () => {
    const { page, context } = await enter(KEYED_TOKEN);
    const devices = await context.newCDPSession(page);
    await devices.send('WebAuthn.enable');
    await devices.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    });
    await go(page, 'Approvals');
    await page.getByRole('button', { name: 'Add a passkey' }).click();
    await page.getByText('The passkey was added.').waitFor();
    await order(4_000);
    await card(page, 'BUY 0.2 BTCUSDT').getByRole('button', { name: 'Yes, with passkey' }).click();
    await page.getByRole('heading', { name: 'Decided here' }).waitFor();
    await expect.poll(async () => (await order(4_000)).status).toBe(200);
  });

  it('It is heard where somebody asked for it, once for each that comes', async () => {
    const page = await look();
    await page.evaluate(
      '{ const Known = AudioContext; window.heard = 0; window.AudioContext = class extends Known { constructor() { super(); window.heard++; } }; }',
    );
    const heard = () => page.evaluate('heard');
    await go(page, 'Approvals');
    const waiting = page.locator('.approval');
    const before = await waiting.count();
    await order(6_000);
    await expect.poll(() => waiting.count()).toBe(before + 1);
    expect(await heard()).toBe(0);
    await page.getByLabel('Sound when one comes').check();
    await order(7_000);
    await expect.poll(heard).toBe(1);
  });

  it('Texts of the app in what waits stay texts', async () => {
    const page = await look();
    await go(page, 'Approvals');
    const query = new URLSearchParams({
      ...{
        symbol: 'BTCUSDT',
        side: 'BUY',
        type: 'LIMIT',
        timeInForce: 'GTC',
        quantity: '0.5',
        price: '20000',
      },
      newClientOrderId: `hostile-${++number}`,
      ...Object.fromEntries(HOSTILE_TEXTS.map((text, index) => [`note${index}`, text])),
    });
    const asked = await send(visits.stage.proxy.port, `/api/v3/order?${query}`, {
      method: 'POST',
      headers: { 'x-mbx-apikey': BOT_KEY, 'user-agent': 'an app' },
    });
    expect(asked.headers['x-proxy-error']).toBe('PROXY_APPROVAL_PENDING');
    const one = card(page, 'BUY 0.5 BTCUSDT');
    await one.getByText('All parameters, and the digest').click();
    await expect.poll(() => one.locator('pre').textContent()).toContain('onerror%3Dalert');
  });

  it('What nobody decides goes by itself when its time is over', async () => {
    const page = await look();
    await go(page, 'Approvals');
    // Those that earlier tests asked for are still open, the last of them for almost all of its time.
    await page.getByText('Nothing waits for you.').waitFor();
    expect(visits.stage.proxy.records('approval.expired').length).toBeGreaterThanOrEqual(3);
    await expect.poll(() => page.title()).toMatch(/^Approvals/);
  });
});
