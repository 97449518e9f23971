import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Page } from 'playwright-core';
import { startBrowser, visit } from '../test/support/clients/browser.ts';
import { go, logIn, rowsOf } from '../test/support/clients/console-page.ts';
import { send } from '../test/support/clients/http.ts';
import { BOT_KEY, READER_KEY, startConsoleStage } from '../test/support/console-stage.ts';

/**
 * Takes pictures of every view of the console, light and dark, wide and narrow, so that somebody looks at them:
 * `node scripts/console-shots.ts FOLDER`. Two of them stand in docs/console.
 */
const { positionals } = parseArgs({ allowPositionals: true });
const [folder = ''] = positionals;
if (folder === '') throw new Error('Name the folder for the pictures.');
mkdirSync(folder, { recursive: true });

const YAML = `
clients:
  grid-bot:
    account: main
    envPrefix: BOT
    permissions: [market-data, read, spot-margin-trade]
    symbols: [BTCUSDT, ETHUSDT]
    weightPerMinute: 1200
    order: { types: [LIMIT, MARKET], maxNotional: { USDT: "20000" }, maxNotionalPerDay: { USDT: "100000" }, maxPerDay: 500 }
    approval: { above: { USDT: "5000" } }
  reader: { account: main, envPrefix: READER, permissions: [market-data, read] }
operators:
  alice: { envPrefix: ALICE }
  keyed: { envPrefix: KEYED, passkeyRequired: true }
`;
const DAY_MS = 86_400_000;
const stage = await startConsoleStage({
  yaml: YAML,
  restrictions: { createTime: Date.now() - 42 * DAY_MS, ipRestrict: true, enableFutures: true },
});
const browser = await startBrowser();
let orders = 0;

const app = (key: string) => ({ 'x-mbx-apikey': key });
function order(quantity: string, symbol = 'BTCUSDT', price = '60000') {
  const query = new URLSearchParams({
    ...{ symbol, side: 'BUY', type: 'LIMIT', timeInForce: 'GTC', quantity, price },
    newClientOrderId: `grid-${++orders}`,
  });
  return send(stage.proxy.port, `/api/v3/order?${query}`, { method: 'POST', headers: app(BOT_KEY) });
}
const read = (path: string) => send(stage.proxy.port, path, { headers: app(READER_KEY) });

async function makeHistory(): Promise<void> {
  for (let number = 0; number < 12; number++) {
    await order(`0.0${1 + (number % 3)}`);
    await read('/api/v3/account');
    await read('/api/v3/openOrders?symbol=BTCUSDT');
  }
  await order('0.2', 'SOLUSDT', '150');
  await order('0.5', 'ETHUSDT', '60000');
  await order('0.1');
}

async function shoot(page: Page, name: string): Promise<void> {
  await pause(400);
  await page.screenshot({ path: join(folder, `${name}.png`) });
  const isLonger = await page.evaluate('document.documentElement.scrollHeight > innerHeight + 4');
  if (isLonger) await page.screenshot({ path: join(folder, `${name}-whole.png`), fullPage: true });
}

try {
  await makeHistory();
  for (const [width, height] of [
    [1280, 860],
    [360, 780],
  ] as const)
    for (const colorScheme of ['light', 'dark'] as const) {
      const look = `${width}-${colorScheme}`;
      const { page, context } = await visit(browser, stage.page, {
        colorScheme,
        viewport: { width, height },
      });
      await page.getByLabel('Token').waitFor();
      await shoot(page, `login-${look}`);
      await logIn(page);
      await shoot(page, `overview-${look}`);
      await go(page, 'Audit');
      await rowsOf(page).nth(3).waitFor();
      await shoot(page, `audit-${look}`);
      await rowsOf(page).filter({ hasText: 'BUY LIMIT' }).first().click();
      await shoot(page, `audit-row-${look}`);
      await go(page, 'Clients');
      await shoot(page, `clients-${look}`);
      await page.getByRole('button', { name: 'halt' }).nth(2).click();
      await shoot(page, `clients-dialog-${look}`);
      await page.keyboard.press('Escape');
      await page.getByRole('button', { name: 'What it needs…' }).first().click();
      await page.getByRole('button', { name: 'Read its records' }).click();
      await page.locator('.yaml').waitFor();
      await shoot(page, `clients-suggestion-${look}`);
      await page.keyboard.press('Escape');
      await go(page, 'Approvals');
      await page.locator('.approval').first().waitFor();
      await shoot(page, `approvals-${look}`);
      await context.close();
    }
} finally {
  await browser.close();
  await stage.close();
}
