import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { hasBrowser } from '../../support/clients/browser.ts';
import { go, rowsOf } from '../../support/clients/console-page.ts';
import { useConsole } from '../../support/clients/console-visits.ts';
import { writeLongTrail } from '../../support/long-trail.ts';

const MANY = 100_000;
const BYTES = 48_000_000;
/** Of rows that are in sight, and some beside them. */
const MOST_ROWS_DRAWN = 80;
/** Several times what was seen: a page that kept everything twice, or every row as an element, is far above it. */
const MOST_HEAP_BYTES = 500_000_000;

let written = 0;
const visits = useConsole({
  fillAudit: (folder) => {
    written = writeLongTrail(folder, BYTES, Date.now());
  },
});

const shown = async (page: Page) => {
  const said = await page.locator('.toolbar [role=status]').textContent();
  return Number.parseInt(String(said).replaceAll(',', ''), 10);
};

/** Searches on until the page holds as many records as it may. */
async function searchOn(page: Page): Promise<void> {
  const more = page.getByRole('button', { name: 'Search on' });
  const end = page.getByText('The page holds no more records');
  for (let portion = 0; portion < 2 * (MANY / 1_000); portion++) {
    await more.or(end).waitFor();
    if (await end.isVisible()) return;
    await Promise.all([page.waitForResponse(/\/operator\/records/), more.click()]);
  }
}

async function heapBytes(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  await session.detach();
  return usedSize;
}

describe.skipIf(!hasBrowser)('a hundred thousand records in a browser', () => {
  it('They are searched, walked to the last and filtered, while only what is in sight exists', async () => {
    expect(written).toBeGreaterThan(MANY + 2_000);
    const page = await visits.look();
    await go(page, 'Audit');
    await searchOn(page);
    // Each call is two records.
    await expect.poll(() => shown(page)).toBeGreaterThanOrEqual(MANY / 2);
    const rows = await shown(page);
    expect(rows).toBeLessThan(MANY / 2 + 1_000);
    expect(await rowsOf(page).count()).toBeLessThan(MOST_ROWS_DRAWN);
    expect(await heapBytes(page)).toBeLessThan(MOST_HEAP_BYTES);

    await page.getByRole('listbox').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    const chosen = page.locator('.row[aria-selected=true]');
    await expect.poll(() => chosen.getAttribute('aria-posinset')).toBe('2');
    await page.keyboard.press('End');
    await expect.poll(() => chosen.getAttribute('aria-posinset')).toBe(String(rows));
    expect(await chosen.getAttribute('aria-setsize')).toBe(String(rows));
    await expect.poll(() => chosen.isVisible()).toBe(true);
    expect(await rowsOf(page).count()).toBeLessThan(MOST_ROWS_DRAWN);

    // What somebody looks at stays where it is while records come.
    const { trail } = visits.stage.proxy.parts;
    for (let number = 0; number < 300; number++)
      trail.note({ event: 'library.printed', msg: `line ${number}` });
    await page.getByRole('button', { name: /new: show$/ }).waitFor();
    expect(await chosen.getAttribute('aria-setsize')).toBe(String(rows));

    const middle = `r-${written - 50_000}`;
    await page.getByLabel('Id').fill(middle);
    await expect.poll(() => shown(page)).toBe(1);
    await rowsOf(page).first().click();
    await page.getByRole('complementary').getByText(middle).first().waitFor();
    await page.getByRole('button', { name: 'Clear the filter' }).click();
    await page.getByLabel('Event', { exact: true }).selectOption('library');
    await expect.poll(() => shown(page)).toBe(300);
  });

  it('The chain of them is verified, and the page shows how far it is', async () => {
    const page = await visits.look();
    await go(page, 'Audit');
    await page.getByRole('button', { name: 'Verify the chain' }).click();
    await page.getByRole('meter', { name: 'Checked so far' }).waitFor();
    await page.getByText('The chain is whole').waitFor();
  });
});
