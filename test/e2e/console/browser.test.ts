import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { AUDIT_EVENTS } from '../../../src/core/records/record.ts';
import { hasBrowser, seriousFindings } from '../../support/clients/browser.ts';
import { go, logIn, rowsOf as rows } from '../../support/clients/console-page.ts';
import { useConsole } from '../../support/clients/console-visits.ts';
import { send } from '../../support/clients/http.ts';
import { BOT_KEY, READER_KEY } from '../../support/console-stage.ts';
import { HOSTILE_TEXTS } from '../../support/hostile-texts.ts';

const visits = useConsole();
const { come, enter, look } = visits;

const read = () =>
  send(visits.stage.proxy.port, '/api/v3/account', { headers: { 'x-mbx-apikey': READER_KEY } });
const order = (id: string, quantity = '0.01') =>
  send(
    visits.stage.proxy.port,
    `/api/v3/order?symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=${quantity}&price=20000&newClientOrderId=${id}`,
    { method: 'POST', headers: { 'x-mbx-apikey': BOT_KEY } },
  );

const LOOKS = [
  [1280, 'light'],
  [1280, 'dark'],
  [360, 'dark'],
  [360, 'light'],
] as const;

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
    const page = await look();
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
    const page = await look();
    await Promise.all([read(), order('searched-order-1'), order('searched-order-2', '9')]);
    await go(page, 'Audit');
    const offered = await page.getByLabel('Event', { exact: true }).locator('option').allInnerTexts();
    for (const event of AUDIT_EVENTS) expect(offered).toContain(event.split('.', 1)[0]);
    await page.getByLabel('Client', { exact: true }).selectOption('reader');
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
    const page = await look();
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
    await expect.poll(() => page.getByRole('alert').count()).toBe(0);
    await page.getByLabel('Id').fill('while-offline');
    await expect.poll(() => rows(page).count()).toBe(1);
  });

  it('A proxy that starts anew asks for the token again, and goes on', async () => {
    const { page } = await enter();
    await visits.stage.restart();
    await page.getByLabel('Token').waitFor();
    await logIn(page);
    await page.getByText('All is well').waitFor();
  });

  it('Texts of apps and of Binance stay texts, in every field and every view', async () => {
    const page = await look();
    const { trail } = visits.stage.proxy.parts;
    await Promise.all(
      HOSTILE_TEXTS.map((text) =>
        send(
          visits.stage.proxy.port,
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

  it('No serious finding of accessibility, and nothing beside the screen, light and dark, wide and narrow', async () => {
    const { page } = await come();
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await page.getByLabel('Token').waitFor();
      expect([colorScheme, await seriousFindings(page)]).toEqual([colorScheme, []]);
    }
    await logIn(page);
    await Promise.all([read(), order('seen-1'), order('too-large', '9')]);
    for (const view of ['Overview', 'Audit', 'Clients', 'Approvals']) {
      await go(page, view);
      if (view === 'Audit') await rows(page).nth(1).click();
      for (const [width, colorScheme] of LOOKS) {
        await page.setViewportSize({ width, height: 800 });
        await page.emulateMedia({ colorScheme });
        const seen = [view, width, colorScheme];
        expect([...seen, await page.evaluate('document.documentElement.scrollWidth <= innerWidth')]).toEqual([
          ...seen,
          true,
        ]);
        expect([...seen, await seriousFindings(page)]).toEqual([...seen, []]);
      }
    }
  });
});
