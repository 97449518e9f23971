import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  hasBrowser,
  seriousFindings,
  startBrowser,
  type Visit,
  visit,
} from '../../support/clients/browser.ts';
import { send } from '../../support/clients/http.ts';
import {
  ALICE_TOKEN,
  BOT_KEY,
  type ConsoleStage,
  READER_KEY,
  startConsoleStage,
} from '../../support/console-stage.ts';
import { HOSTILE_TEXTS } from '../../support/hostile-texts.ts';

const BOUND_MS = 30_000;

let stage: ConsoleStage;
let browser: Browser;
const visits: Visit[] = [];

beforeAll(async () => {
  if (!hasBrowser) return;
  [stage, browser] = await Promise.all([startConsoleStage(), startBrowser()]);
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

const read = () => send(stage.proxy.port, '/api/v3/account', { headers: { 'x-mbx-apikey': READER_KEY } });
const order = (id: string, quantity = '0.01') =>
  send(
    stage.proxy.port,
    `/api/v3/order?symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=${quantity}&price=20000&newClientOrderId=${id}`,
    { method: 'POST', headers: { 'x-mbx-apikey': BOT_KEY } },
  );

async function come(options: Parameters<typeof visit>[2] = {}): Promise<Visit> {
  const visitor = await visit(browser, stage.page, options);
  visitor.context.setDefaultTimeout(BOUND_MS);
  visits.push(visitor);
  return visitor;
}

async function logIn(page: Page): Promise<void> {
  await page.getByLabel('Token').fill(ALICE_TOKEN);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('heading', { name: 'The proxy', exact: true }).waitFor();
}

async function enter(options: Parameters<typeof visit>[2] = {}): Promise<Visit> {
  const visitor = await come(options);
  await logIn(visitor.page);
  return visitor;
}

const go = (page: Page, view: string) =>
  page.getByRole('navigation').getByRole('link', { name: view }).click();
const rows = (page: Page) => page.locator('.row');

describe.skipIf(!hasBrowser)('the console in a browser', () => {
  it('A wrong token is told, a right one lets in, and a reload keeps it', async () => {
    const { page } = await come();
    await page.getByLabel('Token').fill('wrong');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('alert').getByText('No operator has this token.').waitFor();
    await logIn(page);
    await page.getByText('All is well').waitFor();
    await page.reload();
    await page.getByText('All is well').waitFor();
    expect(await page.getByText('alice').count()).toBe(1);
  });

  it('Records arrive by themselves, joined to one row that has the whole life of a call', async () => {
    const { page } = await enter();
    await go(page, 'Audit');
    await rows(page).first().waitFor();
    await order('live-order-1');
    await rows(page).filter({ hasText: 'BUY LIMIT 0.01 @ 20000' }).first().click();
    const life = page.getByRole('complementary');
    await life.getByText('2 records').waitFor();
    await life.getByRole('heading', { name: 'call.signed' }).waitFor();
    await life.getByRole('heading', { name: 'call.completed' }).waitFor();
    await life.getByText('live-order-1').first().waitFor();
  });

  it('Filters and a search by id narrow what is shown, in what comes and in the day files', async () => {
    const { page } = await enter();
    await Promise.all([read(), order('searched-order-1'), order('searched-order-2', '9')]);
    await go(page, 'Audit');
    await page.getByLabel('Client').selectOption('reader');
    await expect
      .poll(async () => new Set(await page.locator('.row .client').allInnerTexts()))
      .toEqual(new Set(['reader']));
    await page.getByRole('button', { name: 'Clear the filter' }).click();
    await page.getByLabel('Error').fill('PROXY_ORDER_REFUSED');
    await expect.poll(() => page.locator('.row .how').allInnerTexts()).toContain('order.maxNotional');
    await page.getByRole('button', { name: 'Clear the filter' }).click();
    await page.getByLabel('Id').fill('searched-order-1');
    await expect.poll(() => rows(page).count()).toBe(1);
    await page.getByLabel('Id').fill('no-such-order');
    await page.getByText('No record is like this.').waitFor();
  });

  it('What is shown is exported as NDJSON and CSV, and the chain is verified', async () => {
    const { page } = await enter();
    await order('exported-order');
    await go(page, 'Audit');
    await page.getByLabel('Id').fill('exported-order');
    await expect.poll(() => rows(page).count()).toBe(1);
    const exported = async (name: string) => {
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name }).click(),
      ]);
      return readFileSync(await download.path(), 'utf8');
    };
    const lines = (await exported('Export NDJSON'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string });
    expect(lines.map(({ event }) => event)).toEqual(['call.signed', 'call.completed']);
    expect(await exported('Export CSV')).toMatch(/^time,seq,event,.*call\.completed/s);
    await page.getByRole('button', { name: 'Verify the chain' }).click();
    await page.getByText('The chain is whole').waitFor();
  });

  it('The list is walked by keys, and only what is in sight exists, however many records there are', async () => {
    const { page } = await enter();
    await go(page, 'Audit');
    await rows(page).first().waitFor();
    const { trail } = stage.proxy.parts;
    for (let number = 0; number < 3_000; number++) {
      trail.note({ event: 'library.printed', msg: `line ${number}` });
      if (number % 400 === 0) await new Promise((resolve) => setTimeout(resolve, 250));
    }
    await expect
      .poll(async () =>
        Number.parseInt(
          String(await page.locator('.toolbar [role=status]').textContent()).replace(',', ''),
          10,
        ),
      )
      .toBeGreaterThan(2_000);
    expect(await page.locator('.row').count()).toBeLessThan(80);
    await page.getByRole('listbox').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    expect(await page.locator('.row[aria-selected=true]').getAttribute('aria-posinset')).toBe('2');
    await page.keyboard.press('End');
    await expect.poll(() => page.locator('.row[aria-selected=true]').count()).toBe(1);
  });

  it('A second tab has the same session, and loses it with the first one', async () => {
    const { page, tab } = await enter();
    const other = await tab();
    await other.getByRole('heading', { name: 'The proxy', exact: true }).waitFor();
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByLabel('Token').waitFor();
    await other.getByLabel('Token').waitFor();
  });

  it('A network that is gone is told, and what was missed is there when it is back', async () => {
    const { page, context } = await enter();
    await go(page, 'Audit');
    await rows(page).first().waitFor();
    await context.setOffline(true);
    await page.getByRole('alert').getByText('The proxy does not answer.').waitFor();
    await order('while-offline');
    await context.setOffline(false);
    await expect.poll(() => page.getByRole('alert').count(), { timeout: BOUND_MS }).toBe(0);
    await page.getByLabel('Id').fill('while-offline');
    await expect.poll(() => rows(page).count()).toBe(1);
  });

  it('A proxy that starts anew asks for the token again, and goes on', async () => {
    const { page } = await enter();
    await stage.restart();
    await page.getByLabel('Token').waitFor();
    await logIn(page);
    await page.getByText('All is well').waitFor();
  });

  it('Texts of apps and of Binance stay texts, in every field and every view', async () => {
    const { page } = await enter();
    const { trail } = stage.proxy.parts;
    await Promise.all(
      HOSTILE_TEXTS.map((text) =>
        send(
          stage.proxy.port,
          `/api/v3/order?symbol=${encodeURIComponent(text)}&side=BUY&type=LIMIT&quantity=1&price=1&newClientOrderId=${encodeURIComponent(text)}`,
          {
            method: 'POST',
            headers: { 'x-mbx-apikey': BOT_KEY, 'user-agent': 'an app' },
          },
        ),
      ),
    );
    for (const [number, text] of HOSTILE_TEXTS.entries()) {
      const requestId = `hostile-${number}`;
      const call = {
        requestId,
        client: text,
        account: text,
        upstream: text,
        method: text,
        path: text,
        permission: text,
      };
      trail.note({
        event: 'call.signed',
        ...call,
        params: { symbol: text, side: text, type: text, [text]: text },
        orderId: text,
        clientOrderId: text,
      });
      trail.note({
        event: 'call.completed',
        ...call,
        msg: text,
        rule: text,
        uuid: text,
        code: -1,
        status: 400,
        outcome: 'answered',
      });
      trail.note({ event: 'upstream.frozen', msg: text, detail: { [text]: text, reason: text } });
    }
    await go(page, 'Audit');
    await page.getByLabel('Id').fill('hostile-0');
    await expect.poll(() => rows(page).count()).toBe(1);
    for (const [number, text] of HOSTILE_TEXTS.entries()) {
      await page.getByLabel('Id').fill(`hostile-${number}`);
      await rows(page).first().click();
      await expect.poll(() => page.getByRole('complementary').textContent()).toContain(text.slice(0, 8));
    }
    for (const view of ['Overview', 'Clients', 'Approvals']) await go(page, view);
    await page.getByRole('status').first().waitFor();
    expect(
      await page.evaluate(
        'document.querySelectorAll("script:not([src]), iframe, svg, img[src=x], style").length',
      ),
    ).toBe(0);
  });

  it.each([
    ['light', { width: 1280, height: 800 }],
    ['dark', { width: 1280, height: 800 }],
    ['light', { width: 360, height: 740 }],
    ['dark', { width: 360, height: 740 }],
  ] as const)(
    'No serious finding of accessibility, and nothing beside the screen: %s, %o',
    async (colorScheme, viewport) => {
      const { page } = await come({ colorScheme, viewport });
      await page.getByLabel('Token').waitFor();
      expect(await seriousFindings(page)).toEqual([]);
      await logIn(page);
      await Promise.all([read(), order(`seen-${colorScheme}-${viewport.width}`), order('too-large', '9')]);
      for (const view of ['Overview', 'Audit', 'Clients', 'Approvals']) {
        await go(page, view);
        await page.getByRole('heading', { name: view, level: 1 }).waitFor();
        if (view === 'Audit') await rows(page).nth(1).click();
        expect([view, await seriousFindings(page)]).toEqual([view, []]);
        expect([view, await page.evaluate('document.documentElement.scrollWidth <= innerWidth')]).toEqual([
          view,
          true,
        ]);
      }
    },
  );
});
