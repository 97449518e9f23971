import { existsSync } from 'node:fs';
import axe from 'axe-core';
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core';

/** Debian's; another one by this variable. */
const CHROMIUM = process.env.TEST_CHROMIUM ?? '/usr/bin/chromium';

/** Whether there is a browser; where there is none its tests are left out. */
export const hasBrowser = existsSync(CHROMIUM);
if (!hasBrowser)
  process.stderr.write(
    `There is no ${CHROMIUM}: the console is not tried in a browser ("apt-get install chromium").\n`,
  );

export function startBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

/** What a page must not do, as it was seen. */
interface Misdeeds {
  /** Violations of the Content-Security-Policy. */
  readonly violations: string[];
  /** Errors that no code of the page caught. */
  readonly errors: string[];
  /** Requests to anything but the page's own origin. */
  readonly foreign: string[];
  /** Whether a hostile text became code. */
  readonly ran: string[];
}

export interface Visit {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly misdeeds: Misdeeds;
  /** A further tab of the same browser profile. */
  tab(): Promise<Page>;
}

/** Opens a profile of its own at an address, and notes what its pages must not do. */
export async function visit(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const misdeeds: Misdeeds = { violations: [], errors: [], foreign: [], ran: [] };
  await context.exposeFunction('noteViolation', (text: string) => misdeeds.violations.push(text));
  await context.exposeFunction('noteCode', (text: string) => misdeeds.ran.push(text));
  await context.addInitScript(`document.addEventListener('securitypolicyviolation',
    (event) => window.noteViolation(event.violatedDirective + ' ' + event.blockedURI + ' ' + event.sample));
    window.alert = (text) => window.noteCode(String(text));`);
  const { origin } = new URL(url);
  context.on('request', (request) => {
    if (!request.url().startsWith(origin) && !request.url().startsWith('blob:'))
      misdeeds.foreign.push(request.url());
  });
  const tab = async () => {
    const page = await context.newPage();
    page.on('pageerror', ({ message }) => misdeeds.errors.push(message));
    await page.goto(url);
    return page;
  };
  return { page: await tab(), context, misdeeds, tab };
}

/** Serious findings of accessibility, each with where it is. */
export async function seriousFindings(page: Page): Promise<readonly string[]> {
  if (await page.evaluate('typeof axe === "undefined"')) await page.evaluate(axe.source);
  // What passes is not wanted, and styles are read as the browser has them.
  const asked = { resultTypes: ['violations'], preload: false, iframes: false };
  const { violations } = (await page.evaluate(`axe.run(${JSON.stringify(asked)})`)) as {
    readonly violations: readonly {
      readonly id: string;
      readonly impact: string;
      readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
    }[];
  };
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(
      ({ id, nodes }) =>
        `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join(' | ')}`,
    );
}
