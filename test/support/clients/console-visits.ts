import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import {
  ALICE_TOKEN,
  type ConsoleStage,
  type ConsoleStageOptions,
  startConsoleStage,
} from '../console-stage.ts';
import { hasBrowser, startBrowser, type Visit, visit } from './browser.ts';
import { go, logIn } from './console-page.ts';

/** Generous: a page waits for a proxy on a loaded machine. */
const BOUND_MS = 45_000;

/** How the tests of a file come to the console: one proxy, one browser, and a page for all who do nothing to its session. */
export interface ConsoleVisits {
  readonly stage: ConsoleStage;
  /** A profile of its own, on the page, not logged in. */
  come(options?: Parameters<typeof visit>[2]): Promise<Visit>;
  /** The same, logged in. */
  enter(token?: string, options?: Parameters<typeof visit>[2]): Promise<Visit>;
  /** The page that all tests of a file share, logged in, on the first view. */
  look(): Promise<Page>;
}

/** Starts what the tests of a file need, and holds after each of them that no page did what it must not do. */
export function useConsole(options: ConsoleStageOptions = {}): ConsoleVisits {
  let stage: ConsoleStage;
  let browser: Browser;
  let shared: Visit | undefined;
  const visits: Visit[] = [];

  beforeAll(async () => {
    if (!hasBrowser) return;
    [stage, browser] = await Promise.all([startConsoleStage(options), startBrowser()]);
  });
  afterAll(async () => {
    await browser?.close();
    await stage?.close();
  });
  afterEach(async () => {
    const all = [...visits, ...(shared === undefined ? [] : [shared])];
    await Promise.all(visits.splice(0).map(({ context }) => context.close()));
    for (const { misdeeds } of all)
      expect(misdeeds).toEqual({ violations: [], errors: [], foreign: [], ran: [] });
  });

  async function open(further: Parameters<typeof visit>[2] = {}): Promise<Visit> {
    const visitor = await visit(browser, stage.page, further);
    visitor.context.setDefaultTimeout(BOUND_MS);
    return visitor;
  }
  async function come(further: Parameters<typeof visit>[2] = {}): Promise<Visit> {
    const visitor = await open(further);
    visits.push(visitor);
    return visitor;
  }
  return {
    get stage() {
      return stage;
    },
    come,
    async enter(token = ALICE_TOKEN, further = {}) {
      const visitor = await come(further);
      await logIn(visitor.page, token);
      return visitor;
    },
    async look() {
      shared ??= await open();
      const { page } = shared;
      await page.getByLabel('Token').or(page.getByRole('navigation')).waitFor();
      // A session that ended with a proxy, or a dialog that a failed test left.
      const status = await page.evaluate("fetch('/operator/overview').then(({ status }) => status)");
      if (status === 401 || (await page.getByRole('dialog').count()) > 0) await page.reload();
      await page.getByLabel('Token').or(page.getByRole('navigation')).waitFor();
      if (await page.getByLabel('Token').isVisible()) await logIn(page);
      await go(page, 'Overview');
      return page;
    },
  };
}
