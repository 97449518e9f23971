import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hasBrowser, startBrowser, type Visit, visit } from '../../support/clients/browser.ts';
import { send } from '../../support/clients/http.ts';
import {
  ALICE_TOKEN,
  BOT_KEY,
  type ConsoleStage,
  KEYED_TOKEN,
  startConsoleStage,
} from '../../support/console-stage.ts';

const BOUND_MS = 45_000;
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

let stage: ConsoleStage;
let browser: Browser;
const visits: Visit[] = [];
let number = 0;

beforeAll(async () => {
  if (!hasBrowser) return;
  [stage, browser] = await Promise.all([startConsoleStage({ yaml: YAML }), startBrowser()]);
});

afterAll(async () => {
  await browser?.close();
  await stage?.close();
});

afterEach(async () => {
  for (const { misdeeds, context } of visits.splice(0)) {
    await context.close();
    expect(misdeeds).toEqual({ violations: [], errors: [], foreign: [], ran: [] });
  }
});

/** An order at a third of the market's price, for so many USDT at its own: by the market it is worth three times that. */
const order = (usdt: number, price = 20_000) =>
  send(
    stage.proxy.port,
    `/api/v3/order?symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=${usdt / price}&price=${price}&newClientOrderId=act-${++number}`,
    { method: 'POST', headers: { 'x-mbx-apikey': BOT_KEY } },
  );
const sentOrders = () =>
  stage.simulator.requests.filter(({ method, path }) => method === 'POST' && path === '/api/v3/order').length;

async function enter(token = ALICE_TOKEN): Promise<Visit> {
  const visitor = await visit(browser, stage.page);
  visitor.context.setDefaultTimeout(BOUND_MS);
  visits.push(visitor);
  const { page } = visitor;
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('heading', { name: 'The proxy', exact: true }).waitFor();
  return visitor;
}

const go = (page: Page, view: string) =>
  page.getByRole('navigation').getByRole('link', { name: view }).click();
const card = (page: Page, what: string) => page.locator('.approval').filter({ hasText: what });

describe.skipIf(!hasBrowser)('approving in a browser', () => {
  it('A call that waits arrives by itself; a yes lets the same call pass', async () => {
    const { page } = await enter();
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
    await card(page, 'BUY 0.1 BTCUSDT').getByRole('button', { name: 'Yes', exact: true }).click();
    await page.getByRole('heading', { name: 'Decided here' }).waitFor();
    await expect.poll(async () => (await order(2_000)).status).toBe(200);
    expect(sentOrders()).toBe(before + 1);
    expect(stage.proxy.records('approval.decided').at(-1)?.approval).toMatchObject({
      operator: 'alice',
      channel: 'session',
    });
  });

  it('A no needs a reason, and the app is refused', async () => {
    const { page } = await enter();
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

  it('What nobody decides goes by itself when its time is over', async () => {
    const { page } = await enter();
    await order(5_000);
    await go(page, 'Approvals');
    const one = card(page, 'BUY 0.25 BTCUSDT');
    await one.waitFor();
    await one.waitFor({ state: 'detached' });
    expect(stage.proxy.records('approval.expired').length).toBeGreaterThan(0);
  });
});
