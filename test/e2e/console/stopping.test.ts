import { describe, expect, it } from 'vitest';
import { hasBrowser } from '../../support/clients/browser.ts';
import { go } from '../../support/clients/console-page.ts';
import { useConsole } from '../../support/clients/console-visits.ts';
import { send } from '../../support/clients/http.ts';
import { BOT_KEY } from '../../support/console-stage.ts';

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

describe.skipIf(!hasBrowser)('stopping in a browser', () => {
  it('A client is stopped with a reason, its resting orders go, and it runs again', async () => {
    const page = await look();
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

  it('What a client needs is read from its own records on the page, to be copied', async () => {
    const page = await look();
    await order(500);
    await go(page, 'Clients');
    const bot = page
      .locator('.client')
      .filter({ has: page.getByRole('heading', { name: 'bot', exact: true }) });
    await bot.getByRole('button', { name: 'What it needs…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Its calls of the last').selectOption('1d');
    await dialog.getByRole('button', { name: 'Read its records' }).click();
    const yaml = dialog.locator('.yaml');
    await yaml.getByText('- spot-margin-trade').waitFor();
    for (const text of ['- BTCUSDT', '- LIMIT', 'maxPerDay:'])
      expect(await yaml.textContent()).toContain(text);
    await page.keyboard.press('Escape');
    await expect.poll(() => dialog.count()).toBe(0);
  });

  it('The proxy stops within its time while pages are open', async () => {
    const { page } = await enter();
    await page.getByTitle('Records come live').waitFor();
    const startedMs = performance.now();
    await visits.stage.restart();
    // Twelve seconds are what a stop may take; starting anew is in here too.
    expect(performance.now() - startedMs).toBeLessThan(24_000);
    await page.getByLabel('Token').waitFor();
  });
});
