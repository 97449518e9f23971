import type { Page } from 'playwright-core';
import { ALICE_TOKEN } from '../console-stage.ts';

/** The rows of the audit view that exist. */
export const rowsOf = (page: Page) => page.locator('.row');

export async function logIn(page: Page, token: string = ALICE_TOKEN): Promise<void> {
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('navigation').waitFor();
}

/** Goes to a view by the links at the top. */
export async function go(page: Page, view: string): Promise<void> {
  await page.getByRole('navigation').getByRole('link', { name: view }).click();
  await page.getByRole('heading', { name: view, level: 1 }).waitFor();
}
