import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { staleChangeLogs } from '../../../scripts/catalogue/change-logs.ts';
import { alarmsIn, missingForLibraries, weighedOtherwise } from '../../../scripts/catalogue/check.ts';
import { CONNECTORS } from '../../../scripts/catalogue/connectors.ts';
import { driftOf } from '../../../scripts/catalogue/drift.ts';
import { calledByBoth, calledByCcxt, calledByClient } from '../../../scripts/catalogue/libraries.ts';
import { readConnector } from '../../../scripts/catalogue/read-connector.ts';
import { loadCatalogue } from '../../../src/config/load-catalogue.ts';
import { createWsMethods } from '../../../src/core/frames/frame-methods.ts';

const catalogue = loadCatalogue();
const methods = createWsMethods(catalogue);
const usdm = CONNECTORS.find(({ upstream }) => upstream === 'usdm')!;

interface Planted {
  readonly path?: string;
  readonly method?: string;
  readonly weight?: string;
  readonly securityType?: string;
  readonly frame?: string;
}

/** A connector's source in the form of the generated ones: by nature all is as the catalogue says. */
function connectorSource(planted: Planted = {}): string {
  const {
    path = '/fapi/v1/order/test',
    method = 'POST',
    weight = '(IP): 1',
    securityType = 'TRADE',
  } = planted;
  const doc = `/**\n\t* Does it.\n\t*\n\t* Weight${weight}\n\t*\n\t* Security Type: ${securityType}\n\t*\n\t* @see {@link https://example.com/a}\n\t*/`;
  return `const TradeApiAxiosParamCreator = function(configuration) {
	return {
		doIt: async (symbol, recvWindow) => {
			const localVarQueryParameter = {};
			return {
				endpoint: "${path}",
				method: "${method}",
				queryParams: localVarQueryParameter
			};
		}
	};
};
	${doc}
	async doIt(requestParameters) {
		const args = await this.localVarAxiosParamCreator.doIt(requestParameters?.recvWindow);
		return sendRequest(args.endpoint);
	}
	${doc.replace(weight, '(IP): 5').replace(securityType, 'USER_DATA')}
	balance(requestParameters) {
		return this.websocketBase.sendMessage("/${planted.frame ?? 'account.balance'}".slice(1), requestParameters, {
			isSigned: true
		});
	}
`;
}

function found(planted: Planted): string[] {
  const findings = driftOf(usdm, readConnector(connectorSource(planted)), catalogue, methods);
  return alarmsIn(findings).map(({ kind, name, told }) => `${kind} ${name}: ${told}`);
}

describe('catalogue:check', () => {
  it('The catalogue check reads what a connector says of endpoints and frames', () => {
    expect(readConnector(connectorSource())).toEqual([
      {
        ...{ name: 'POST /fapi/v1/order/test', method: 'POST', path: '/fapi/v1/order/test' },
        ...{ weights: [{ scope: 'IP', weight: 1 }], orders: undefined, securityType: 'TRADE' },
      },
      {
        ...{ name: 'ws account.balance', method: 'account.balance', path: undefined },
        ...{ weights: [{ scope: 'IP', weight: 5 }], orders: undefined, securityType: 'USER_DATA' },
      },
    ]);
  });

  it.each<[string, Planted, string[]]>([
    ['nothing', {}, []],
    ['a path', { path: '/fapi/v9/order/test' }, ['missing POST /fapi/v9/order/test: not in the catalogue']],
    ['a method', { method: 'PUT' }, ['missing PUT /fapi/v1/order/test: not in the catalogue']],
    ['a weight', { weight: '(IP): 7' }, ['weight POST /fapi/v1/order/test: IP 7, here IP 1']],
    [
      'a weight of another kind',
      { weight: '(UID): 1' },
      ['weight POST /fapi/v1/order/test: UID 1, here IP 1'],
    ],
    ['a weight without a kind', { weight: ': 9' }, ['weight POST /fapi/v1/order/test: weight 9, here IP 1']],
    [
      'a security type',
      { securityType: 'NONE' },
      ['security POST /fapi/v1/order/test: NONE, here SIGNED (TRADE)'],
    ],
    [
      'an order count',
      {
        weight:
          ': 3 on 10s order rate limit(X-MBX-ORDER-COUNT-10S);\n\t* 1 on IP rate limit(x-mbx-used-weight-1m)',
      },
      ['orders POST /fapi/v1/order/test: 3 on 10S, here 0'],
    ],
    ['a frame', { frame: 'account.new' }, ['missing ws account.new: not in the catalogue']],
    ['the weight of a frame', { frame: 'order.cancel' }, ['weight ws order.cancel: IP 5, here IP 1']],
  ])('The catalogue check finds planted drift: %s', (_, planted, expected) => {
    expect(found(planted)).toEqual(expected);
  });

  it('The catalogue check rings for what two libraries call and the catalogue lacks, and for nothing that is denied', () => {
    const client = `
      submit(params) { return this.postPrivate('dapi/v1/brandNew', params); }
      list() { return this.getPrivate('dapi/v1/order'); }
      old() { return this.postPrivate('sapi/v1/lending/daily/purchase'); }
      out() { return this.postPrivate('sapi/v1/capital/withdraw/apply'); }
      alone() { return this.get('dapi/v1/onlyHere'); }`;
    const api = {
      dapiPrivate: { post: { brandNew: 1, order: { cost: 4 } }, get: { order: { cost: 1 } } },
      sapi: { post: { 'lending/daily/purchase': 1, 'capital/withdraw/apply': 1 } },
    };
    const urls = {
      dapiPrivate: 'https://dapi.binance.com/dapi/v1',
      sapi: 'https://api.binance.com/sapi/v1',
    };
    const ccxt = calledByCcxt(api, urls);
    const both = calledByBoth(ccxt, [...calledByClient(client, 'coinm'), ...calledByClient(client, 'spot')]);
    const alarms = alarmsIn(missingForLibraries(both, catalogue));
    expect(alarms.map(({ name, told }) => [name, told])).toEqual([
      ['POST /dapi/v1/brandNew', 'called on coinm by both'],
    ]);
  });

  it('The catalogue check rings where ccxt reckons with another weight on the futures', () => {
    const called = (path: string, cost: number) =>
      ({ upstream: 'coinm', method: 'GET', path, cost }) as const;
    const findings = weighedOtherwise(
      [
        called('/dapi/v1/allOrders', 20),
        called('/dapi/v1/userTrades', 5),
        called('/dapi/v1/constituents', 2),
      ],
      catalogue,
    );
    expect(alarmsIn(findings).map(({ name, told }) => [name, told])).toEqual([
      ['GET /dapi/v1/allOrders', 'cost 20, here 5'],
    ]);
  });

  it('The catalogue check rings when no newer entry of a change log was read for 30 days', () => {
    const newest = { derivatives: '2026-10-23', stocks: '2026-11-18' };
    expect(staleChangeLogs(newest, '2026-12-18')).toBeUndefined();
    expect(staleChangeLogs(newest, '2026-12-19')).toContain('is of 2026-11-18, 31 days ago');
    expect(staleChangeLogs({ stocks: 'soon' }, '2026-12-19')).toContain('cannot be read');
    expect(staleChangeLogs({}, '2026-12-19')).toContain('cannot be read');
  });

  it('The catalogue check finds nothing unexplained in what is installed, and rings by its exit code', () => {
    const script = fileURLToPath(new URL('../../../scripts/catalogue/check.ts', import.meta.url));
    const run = (today: string) =>
      spawnSync(process.execPath, [script, '--today', today], { encoding: 'utf8' });
    const sound = run('2026-11-29');
    expect(sound.stdout).toContain('Nothing unexplained is missing or different.');
    expect(sound.stdout).toContain('113 described, 90 with a fixed weight');
    expect(sound.status).toBe(0);
    const late = run('2027-11-29');
    expect(late.stdout).toContain('ALARM: the newest entry that was read is of');
    expect(late.status).toBe(1);
  });
});
