import { describe, expect, it } from 'vitest';
import { overviewLines } from '../../../src/commands/watch/overview-lines.ts';
import { DAY_MS } from '../../../src/core/intervals.ts';
import { hasBrowser } from '../../support/clients/browser.ts';
import { useConsole } from '../../support/clients/console-visits.ts';
import { send } from '../../support/clients/http.ts';
import { ALICE_TOKEN, READER_KEY } from '../../support/console-stage.ts';

const visits = useConsole({
  restrictions: {
    createTime: Date.now() - 100.5 * DAY_MS,
    ipRestrict: false,
    tradingAuthorityExpirationTime: Date.now() + 5.5 * DAY_MS,
    enableFutures: true,
    enableFixApiTrade: true,
    enableSpotAndMarginTrading: true,
  },
});
const ENDS = new Date(Date.now() + 5.5 * DAY_MS).toISOString().slice(0, 10);

describe.skipIf(!hasBrowser)('the care of keys', () => {
  it('The overview has the key with its age, IP list, last use, end, and what is switched on for nobody', async () => {
    const { proxy, page } = visits.stage;
    expect(
      (await send(proxy.port, '/api/v3/account', { headers: { 'x-mbx-apikey': READER_KEY } })).status,
    ).toBe(200);
    const { json } = await send(Number(new URL(page).port), '/operator/overview', {
      headers: { authorization: `Bearer ${ALICE_TOKEN}` },
    });
    const { status, troubles } = json as unknown as {
      readonly status: {
        readonly preflight: Readonly<Record<string, string>>;
        readonly keys: Readonly<Record<string, { readonly tooMuch: readonly string[] }>>;
      };
      readonly troubles: readonly { readonly what: string }[];
    };
    expect(status.preflight.main).toBe('passed');
    expect(status.keys.main).toMatchObject({
      ageDays: 100,
      maxAgeDays: 90,
      ipRestrict: false,
      unusedDays: 0,
      lastUsed: expect.stringMatching(/^\d{4}-/),
      tradingAuthorityEnds: expect.stringMatching(/^\d{4}-/),
    });
    expect(status.keys.main?.tooMuch).toEqual(expect.arrayContaining(['enableFixApiTrade', 'enableFutures']));
    // Clients read and trade.
    expect(status.keys.main?.tooMuch).not.toContain('enableReading');
    expect(status.keys.main?.tooMuch).not.toContain('enableSpotAndMarginTrading');
    expect(troubles.map(({ what }) => what)).toEqual(
      expect.arrayContaining([expect.stringContaining('The key of main is 100 days old')]),
    );
  });

  it('The page shows it, and so does a terminal', async () => {
    const page = await visits.look();
    const keys = page.locator('.card').filter({ has: page.getByRole('heading', { name: 'Keys' }) });
    for (const text of [
      'preflight passed',
      'none: usable from anywhere',
      '100 days',
      'older than 90',
      'ago',
      ENDS,
      'enableFutures',
      'enableFixApiTrade',
    ])
      await keys.getByText(text).first().waitFor();
    await page.getByText('The key of main is 100 days old').waitFor();
    const lines = overviewLines(visits.stage.proxy.parts.operator.overview(), 200).join('\n');
    for (const text of ['key main: preflight passed, NO IP LIST, 100 days old, used ', ENDS, 'enableFutures'])
      expect(lines).toContain(text);
  });
});
