import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hasBrowser, startBrowser, type Visit, visit } from '../../support/clients/browser.ts';
import { send } from '../../support/clients/http.ts';
import { ALICE_TOKEN, BOT_KEY, type ConsoleStage, startConsoleStage } from '../../support/console-stage.ts';

const BOUND_MS = 45_000;
const YAML = `
clients:
  bot:
    account: main
    envPrefix: BOT
    permissions: [market-data, read, spot-margin-trade]
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

async function enter(): Promise<Visit> {
  const visitor = await visit(browser, stage.page);
  visitor.context.setDefaultTimeout(BOUND_MS);
  visits.push(visitor);
  const { page } = visitor;
  await page.getByLabel('Token').fill(ALICE_TOKEN);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('heading', { name: 'The proxy', exact: true }).waitFor();
  return visitor;
}

const go = (page: Page, view: string) =>
  page.getByRole('navigation').getByRole('link', { name: view }).click();

describe.skipIf(!hasBrowser)('stopping in a browser', () => {
  it('A client is stopped with a reason, its resting orders go, and it runs again', async () => {
    const { page } = await enter();
    expect((await order(400)).status).toBe(200);
    await go(page, 'Clients');
    const bot = page
      .locator('.client')
      .filter({ has: page.getByRole('heading', { name: 'bot', exact: true }) });
    await bot.getByRole('button', { name: 'cancel-only' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel(/^Reason/).fill('tried in a browser');
    await dialog.getByRole('button', { name: 'Set to cancel-only' }).click();
    await dialog.getByText('Orders cancelled: 1. Left: 0.').waitFor();
    await dialog.getByText('It survives a restart.').waitFor();
    await dialog.getByRole('button', { name: 'Done' }).click();
    await bot.getByText('by alice: tried in a browser').waitFor();
    const before = sentOrders();
    const refused = await order(400);
    expect([refused.status, refused.headers['x-proxy-error'], sentOrders()]).toEqual([
      400,
      'PROXY_STOPPED',
      before,
    ]);
    await go(page, 'Overview');
    await page.getByText('The client bot is cancel-only, set by alice: tried in a browser').waitFor();
    await go(page, 'Clients');
    await bot.getByRole('button', { name: 'Run again' }).click();
    await dialog.getByLabel(/^Reason/).fill('tried enough');
    await dialog.getByRole('button', { name: 'Set to run' }).click();
    await dialog.getByRole('button', { name: 'Done' }).click();
    await expect.poll(async () => (await order(400)).status).toBe(200);
  });
});
