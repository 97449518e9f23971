import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadCatalogue } from '../../../src/config/load-catalogue.ts';
import { decide } from '../../../src/core/access/policy.ts';
import { readCall } from '../../../src/core/call/call.ts';
import { createDenylist } from '../../../src/core/catalogue/denylist.ts';
import { SINGLE_CLIENT_PERMISSIONS } from '../../../src/core/catalogue/permission.ts';
import { ProxyError } from '../../../src/core/errors.ts';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { mutated, parameters } from '../../support/fixtures/mutations.ts';
import { portion, runs } from '../../support/properties.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET, type TestProxy } from '../../support/servers/proxy.ts';

const MOST = 200_000;
const RUNS = portion(MOST);

interface Graded {
  readonly grade: string;
  readonly path: string;
}

const graded = readFileSync(new URL('../../support/fixtures/dangerous.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Graded);
const catalogue = loadCatalogue();
const granted = new Set(SINGLE_CLIENT_PERMISSIONS);

/** The facts' own word, independent of the denylist's code: what these paths are, with any version. */
const shape = (path: string) => path.replace(/\/v\d+\//, '/v#/');
const forbidden = new Set(
  graded.filter(({ grade }) => grade === 'WITHDRAW' || grade === 'KEY_ADMIN').map(({ path }) => shape(path)),
);
const ungranted = new Set(
  catalogue.endpoints
    .filter(({ permission }) => !granted.has(permission))
    .map(({ method, path }) => `${method} ${path}`),
);
const borrowing = /sideEffectType=(?:MARGIN_BUY|%41UTO_BORROW_REPAY)/;
const allowed = new Set(
  catalogue.endpoints
    .filter(({ permission }) => granted.has(permission))
    .map(({ method, path }) => `${method} ${path}`),
);

const path = fc.constantFrom(
  ...graded.map((row) => row.path.replace('*', 'withdraw.html')),
  ...catalogue.endpoints
    .filter(({ permission }) => !granted.has(permission))
    .map((endpoint) => endpoint.path),
);
const method = fc.constantFrom('GET', 'POST', 'PUT', 'DELETE');

function isForbidden(sentMethod: string, sentPath: string): boolean {
  return (
    forbidden.has(shape(sentPath)) ||
    ungranted.has(`${sentMethod} ${sentPath}`) ||
    sentPath.startsWith('/wapi')
  );
}

describe('no request reaches what is denylisted or not granted', () => {
  const client = {
    name: 'default',
    account: 'main',
    secret: undefined,
    publicKey: undefined,
    requireSignature: false,
    permissions: granted,
    symbols: undefined,
    order: undefined,
    approval: undefined,
    weightPerMinute: undefined,
    requestsPerSecond: undefined,
    stopAfterRefusals: undefined,
    expiresMs: undefined,
    policyMode: 'enforce',
  } as const;
  const denylist = createDenylist([]);

  it(`In ${RUNS} mutations nothing denylisted or not granted passes parser, denylist, catalogue and policy`, () => {
    let passed = 0;
    fc.assert(
      fc.property(method, mutated(path), parameters, fc.boolean(), (verb, target, params, inBody) => {
        const body = inBody && verb !== 'GET' ? params : '';
        const full = body === '' && params !== '' && !target.includes('?') ? `${target}?${params}` : target;
        try {
          const call = readCall(verb, full, Buffer.from(body));
          const endpoint = call.upstream && catalogue.find(call.upstream, verb, call.path);
          if (denylist.match(call.path) !== undefined || endpoint === undefined) return;
          decide(client, endpoint, call);
          passed++;
          expect(isForbidden(verb, endpoint.path)).toBe(false);
          expect(
            borrowing.test(full + body) && endpoint.path.includes('/margin/order') && verb === 'POST',
          ).toBe(false);
        } catch (error) {
          if (!(error instanceof ProxyError)) throw error;
        }
      }),
      runs(MOST),
    );
    expect(passed).toBeGreaterThan(0);
  });

  describe('over real sockets', () => {
    let simulator: Simulator;
    let proxy: TestProxy;
    const agent = new Agent({ keepAlive: true, maxSockets: 32 });
    beforeAll(async () => {
      simulator = await startSimulator({
        accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET, balances: { USDT: '1000' } }],
        limits: {
          weightPerMinute: {
            spot: 10_000_000,
            usdm: 10_000_000,
            options: 10_000_000,
            portfolio: 10_000_000,
          },
          sapiIpWeightPerMinute: 10_000_000,
        },
      });
      proxy = await startTestProxy({ upstream: simulator.url, env: { BINANCE_PROXY_LOG_LEVEL: 'error' } });
    });
    afterAll(async () => {
      agent.destroy();
      await proxy.close();
      await simulator.close();
    });

    function ask(verb: string, target: string, body: string): Promise<number> {
      return new Promise((resolve, reject) => {
        const headers = {
          'x-http-method-override': 'POST',
          'content-length': String(Buffer.byteLength(body)),
        };
        const outgoing = request(
          { host: '127.0.0.1', port: proxy.port, method: verb, path: target, agent, headers },
          (incoming) => {
            incoming.resume();
            incoming.on('end', () => resolve(incoming.statusCode ?? 0));
          },
        );
        outgoing.on('error', reject);
        outgoing.end(body);
      });
    }

    it(`In ${RUNS / 10} mutations over real sockets nothing forbidden leaves, while what is granted does`, async () => {
      const cases = fc.sample(fc.tuple(method, mutated(path), parameters, fc.boolean()), runs(MOST / 10));
      let next = 0;
      const worker = async () => {
        for (let one = cases[next++]; one !== undefined; one = cases[next++]) {
          const [verb, target, params, inBody] = one;
          if (/[^\x21-\x7e]/.test(target)) continue;
          const body = inBody && verb !== 'GET' ? params : '';
          await ask(
            verb,
            body === '' && params !== '' && !target.includes('?') ? `${target}?${params}` : target,
            body,
          );
        }
      };
      await Promise.all(Array.from({ length: 16 }, worker));
      // What is granted, asked for by hand, so that nothing rests on what was drawn.
      const margin = 'symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1';
      expect(await ask('GET', '/api/v3/account', '')).toBe(200);
      await ask('POST', '/sapi/v1/margin/order', margin);
      await ask('POST', '/sapi/v1/margin/order', `${margin}&sideEffectType=MARGIN_BUY`);
      const arrived = simulator.requests.filter(({ method: verb, path: sent }) => isForbidden(verb, sent));
      expect(arrived).toEqual([]);
      const names = new Set(simulator.requests.map(({ method: verb, path: sent }) => `${verb} ${sent}`));
      expect([...names].filter((name) => !allowed.has(name))).toEqual([]);
      const orders = simulator.requests.filter(({ method: verb, path: sent }) => {
        return verb === 'POST' && sent.includes('/margin/order');
      });
      expect(orders.length).toBeGreaterThan(0);
      expect(orders.filter(({ target, body }) => borrowing.test(target + body))).toEqual([]);
      expect(simulator.requests.filter(({ headers }) => 'x-http-method-override' in headers)).toEqual([]);
      expect(simulator.withdrawals).toEqual([]);
      expect(simulator.requests.some(({ path: sent }) => sent === '/api/v3/account')).toBe(true);
    });
  });
});
