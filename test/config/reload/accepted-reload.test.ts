import { hash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadSettings } from '../../../src/config/load-settings.ts';
import { loosenings } from '../../../src/config/reload/loosenings.ts';
import type { Client } from '../../../src/core/access/client.ts';
import { decide } from '../../../src/core/access/policy.ts';
import { createDenylist, type Denylist } from '../../../src/core/catalogue/denylist.ts';
import { ExactDecimal } from '../../../src/core/decimal.ts';
import { dayClaim, judgeOrders, judgeValues } from '../../../src/core/orders/order-rules.ts';
import { RollingDay } from '../../../src/core/orders/rolling-day.ts';
import { identifyClient } from '../../../src/pipeline/clients/identify.ts';
import { catalogueEndpoint } from '../../support/fixtures/catalogue-endpoints.ts';
import { ACCOUNT, folderWith } from '../../support/fixtures/config-folder.ts';
import { callOf, intendedOrders, refusalOf } from '../../support/fixtures/order-fixtures.ts';
import { issuedKey, reloads, settingsOf } from '../../support/fixtures/reload-model.ts';
import { runs } from '../../support/properties.ts';

const QUOTE = catalogueEndpoint('POST', '/sapi/v1/convert/getQuote');
const SAMPLES = [
  ...['BTCUSDT', 'ETHUSDT', 'BTCUSDC'].flatMap((symbol) =>
    ['LIMIT', 'MARKET'].flatMap((type) =>
      ['9.995', '10.2'].map((worth) => ({
        endpoint: catalogueEndpoint('POST', '/api/v3/order'),
        form: { symbol, side: 'BUY', type, quantity: '1', price: worth },
        value: { asset: symbol.slice(3), amount: new ExactDecimal(worth) },
      })),
    ),
  ),
  { endpoint: catalogueEndpoint('GET', '/api/v3/account'), form: {}, value: undefined },
  { endpoint: catalogueEndpoint('POST', '/fapi/v1/leverage'), form: {}, value: undefined },
  {
    endpoint: catalogueEndpoint('POST', '/sapi/v1/margin/order'),
    form: { sideEffectType: 'MARGIN_BUY' },
    value: undefined,
  },
  { endpoint: QUOTE, form: {}, value: undefined },
];
const CALLS = SAMPLES.map((sample) => {
  const call = callOf(sample.endpoint, sample.form);
  return { ...sample, call, orders: sample.value === undefined ? [] : intendedOrders(sample.endpoint, call) };
});

/** Every way in which the parts that judge calls refuse this client one of the sample calls, told one by one. */
function refusalsOf(denylist: Denylist, client: Client | undefined): ReadonlySet<string> {
  const refused = new Set<string>();
  for (const [index, { endpoint, call, orders, value }] of CALLS.entries()) {
    const all = ['unsigned', 'wrongly signed', 'five times', 'twenty times', 'thrice a day'];
    const note = (...hows: string[]) => hows.forEach((how) => void refused.add(`${index} ${how}`));
    if (client === undefined || denylist.match(endpoint.path) !== undefined) {
      note(...all, 'once', 'by main', 'by hedge');
      continue;
    }
    if (client.requireSignature) note('unsigned');
    if (client.secret !== undefined) note('wrongly signed');
    note(client.account === 'main' ? 'by hedge' : 'by main');
    const rates = [client.requestsPerSecond, client.weightPerMinute];
    if (rates.some((most) => most !== undefined && most <= 5)) note('five times');
    if (rates.some((most) => most !== undefined && most <= 20)) note('twenty times');
    if (refusalOf(() => decide(client, endpoint, call)) !== undefined) note(...all, 'once');
    if (client.policyMode === 'report' || value === undefined) continue;
    const broken = [...judgeOrders(client, orders), ...judgeValues(client.order, [value])];
    if (broken.length > 0) note(...all, 'once');
    const day = new RollingDay();
    const placed = [1, 2, 3].map(() =>
      day.take(dayClaim(client.name, orders, [value]), client.order ?? {}, 0),
    );
    if (typeof placed[0] === 'string') note(...all, 'once');
    if (typeof placed[2] === 'string') note('thrice a day');
  }
  return refused;
}

const UNKNOWN = 'some-other-key';

describe('an accepted reload', () => {
  it('An accepted reload refuses a client that was there before all that it was refused', () => {
    const base = loadSettings({ env: ACCOUNT, cwd: folderWith() });
    const seen = { accepted: 0, refused: 0, changed: 0 };
    fc.assert(
      fc.property(reloads, ([one, other]) => {
        const [before, after] = [settingsOf(one, base), settingsOf(other, base)];
        if (before === undefined || after === undefined) return;
        if (loosenings(before, after).length > 0) {
          seen.refused++;
          return;
        }
        seen.accepted++;
        if (JSON.stringify(one) !== JSON.stringify(other)) seen.changed++;
        const [denied, isDenied] = [createDenylist(before.denylist), createDenylist(after.denylist)];
        const compare = (client: Client | undefined, next: Client | undefined) => {
          const isRefused = refusalsOf(isDenied, next);
          const passing = [...refusalsOf(denied, client)].filter((how) => !isRefused.has(how));
          expect([client?.name, passing]).toEqual([client?.name, []]);
        };
        // A key that nobody had may have become the one of a new client, or of one whose key was replaced.
        const isKnown = (key: string) => before.clientsByKeyDigest.has(hash('sha256', key));
        for (const key of [UNKNOWN, ...[0, 1, 2, 3, 4, 5].map(issuedKey).filter(isKnown)]) {
          const headers = { 'x-mbx-apikey': key };
          compare(identifyClient(headers, before), identifyClient(headers, after));
        }
        for (const [name, client] of before.clients) {
          const next = after.clients.get(name);
          const isOff = name === 'anonymous' && !after.anonymousEnabled;
          if (next !== undefined) compare(client, isOff ? undefined : next);
        }
        expect([before.anonymousEnabled, after.anonymousEnabled]).not.toEqual([false, true]);
        const order = ['off', 'warn', 'enforce'];
        expect(order.indexOf(after.keyPreflight)).toBeGreaterThanOrEqual(order.indexOf(before.keyPreflight));
      }),
      runs(10_000),
    );
    // Both happen often enough to mean something.
    const all = seen.accepted + seen.refused;
    expect(seen.changed / all).toBeGreaterThan(0.1);
    expect(seen.refused / all).toBeGreaterThan(0.1);
  });
});
