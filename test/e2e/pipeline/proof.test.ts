import { createHmac } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Reply, send } from '../../support/clients/http.ts';
import { connectApp, type WsApp, type WsReply } from '../../support/clients/ws-app.ts';
import { openWsStage, type WsStage } from '../../support/servers/ws-stage.ts';

const KEY = 'S'.repeat(64);
const SECRET = 'strict-secret-'.repeat(4);
const YAML = `
clients:
  strict:
    account: main
    envPrefix: STRICT
    requireSignature: true
    permissions: [market-data, read, spot-margin-trade]
`;
const HEADERS = { 'x-mbx-apikey': KEY };
const SYMBOL = 'symbol=BTCUSDT';
const ORDER = 'side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=20000.00';
const OLD_MS = 3_600_000;

let stage: WsStage;
let app: WsApp;
beforeAll(async () => {
  stage = await openWsStage('HMAC', {
    env: { STRICT_CLIENT_KEY: KEY, STRICT_CLIENT_SECRET: SECRET },
    yaml: YAML,
  });
});
beforeEach(async () => {
  app = await connectApp(`${stage.wsUrl}/ws-api/v3`);
});
afterEach(() => app.close());
afterAll(() => stage.close());

const hmac = (text: string) => createHmac('sha256', SECRET).update(text).digest('hex');
const signed = (text: string) => `${text}&signature=${hmac(text)}`;
const arrived = () => stage.simulator.requests.length + stage.simulator.frames.length;

let lastMs = 0;
/** A timestamp that no other test uses, so that no two tests share a signature. */
function now(): number {
  lastMs = Math.max(Date.now(), lastMs + 1);
  return lastMs;
}

function http(method: string, target: string, body?: string): Promise<Reply> {
  return send(stage.proxy.port, target, {
    method,
    headers: HEADERS,
    ...(body === undefined ? {} : { body }),
  });
}

/** The parameters of a form text as those of a frame, with the key that the text was signed with. */
function frameParams(text: string): Record<string, string> {
  return Object.fromEntries(text.split('&').map((pair) => pair.split('=') as [string, string]));
}

async function expectRefused(sending: () => Promise<Reply | WsReply>, code = -1022): Promise<void> {
  const before = arrived();
  const reply = await sending();
  const said = 'json' in reply ? reply.json?.code : (reply as WsReply).error?.code;
  expect(said).toBe(code);
  expect(arrived()).toBe(before);
}

async function expectPassed(sending: () => Promise<Reply>): Promise<void> {
  const before = arrived();
  expect((await sending()).headers['x-proxy-error']).toBeUndefined();
  expect(arrived()).toBe(before + 1);
}

describe('a captured signed GET', () => {
  /** Sent once as it was meant; then the same bytes are tried for something else. */
  async function captured(): Promise<string> {
    const query = signed(`${SYMBOL}&recvWindow=50000&timestamp=${now()}`);
    await expectPassed(() => http('GET', `/api/v3/openOrders?${query}`));
    return query;
  }

  it.each([
    ['DELETE', '/api/v3/openOrders'],
    ['DELETE', '/api/v3/order'],
    ['POST', '/api/v3/order'],
    ['POST', '/api/v3/order/cancelReplace'],
    ['PUT', '/api/v3/order/amend/keepPriority'],
  ])('A captured reading proves nothing for %s %s', async (method, path) => {
    const query = await captured();
    await expectRefused(() => http(method, `${path}?${query}`));
    await expectRefused(() => http(method, path, query));
  });

  it.each(['order.place', 'openOrders.cancelAll', 'openOrders.status', 'account.status'])(
    'A captured reading proves nothing for the frame %s',
    async (method) => {
      const ms = now();
      const payload = `apiKey=${KEY}&recvWindow=50000&symbol=BTCUSDT&timestamp=${ms}`;
      const query = signed(payload);
      await http('GET', `/api/v3/openOrders?${query}`);
      await expectRefused(() => app.ask(method, frameParams(query)));
    },
  );

  it('A captured reading logs no session on', async () => {
    const query = signed(`recvWindow=50000&timestamp=${now()}`);
    await expectPassed(() => http('GET', `/api/v3/account?${query}`));
    const auth = await connectApp(`${stage.wsUrl}/ws-api/v3`, { headers: HEADERS });
    await expectRefused(() => auth.ask('session.logon', frameParams(query)));
    await expectRefused(() => auth.ask('account.status'));
    await auth.close();
  });

  it('A captured reading proves nothing once its recvWindow is over, at any door', async () => {
    const query = signed(`apiKey=${KEY}&recvWindow=5000&timestamp=${Date.now() - OLD_MS}`);
    await expectRefused(() => http('GET', `/api/v3/account?${query}`), -1021);
    await expectRefused(() => http('DELETE', `/api/v3/openOrders?${query}`), -1021);
    await expectRefused(() => app.ask('session.logon', frameParams(query)), -1021);
    await expectRefused(() => app.ask('account.status', frameParams(query)), -1021);
  });
});

describe('a signature without a timestamp of its own', () => {
  it.each(['GET', 'DELETE'])('A signed %s without a timestamp is refused', async (method) => {
    await expectRefused(() => http(method, `/api/v3/openOrders?${signed(SYMBOL)}`));
  });

  it('A signed POST without a timestamp is refused, in query and in body', async () => {
    await expectRefused(() => http('POST', `/api/v3/order?${signed(`${SYMBOL}&${ORDER}`)}`));
    await expectRefused(() => http('POST', '/api/v3/order', signed(`${SYMBOL}&${ORDER}`)));
  });

  it.each(['session.logon', 'account.status', 'openOrders.cancelAll'])(
    'The frame %s that is signed without a timestamp is refused',
    async (method) => {
      await expectRefused(() => app.ask(method, frameParams(signed(`apiKey=${KEY}`))));
    },
  );
});

describe('a signed text that is cut into other parameters', () => {
  it.each([
    ['an escaped & and = in recvWindow', (ms: number) => `recvWindow=50000%26timestamp%3D${ms}`],
    ['an escaped & alone', (ms: number) => `recvWindow=50000%26timestamp=${ms}`],
  ])('%s hides no timestamp', async (_what, regrouped) => {
    const ms = Date.now() - OLD_MS;
    const signature = hmac(`recvWindow=50000&timestamp=${ms}`);
    await expectRefused(() => http('DELETE', `/api/v3/openOrders?${regrouped(ms)}&signature=${signature}`));
    const fresh = `${regrouped(ms)}&timestamp=${now()}&signature=${signature}`;
    await expectRefused(() => http('GET', `/api/v3/account?${fresh}`));
  });

  it('A decoded text proves nothing where a value holds what looks like a parameter', async () => {
    const ms = now();
    const signature = hmac(`symbol=BTCUSDT&side=BUY&timestamp=${ms}`);
    const target = `/api/v3/openOrders?symbol=BTCUSDT%26side%3DBUY&timestamp=${ms}&signature=${signature}`;
    await expectRefused(() => http('GET', target));
  });

  it('A value of a frame that holds & or = proves nothing', async () => {
    const ms = now();
    const signature = hmac(`apiKey=${KEY}&recvWindow=50000&timestamp=${ms}`);
    const params = { apiKey: KEY, recvWindow: `50000&timestamp=${ms}`, signature };
    await expectRefused(() => app.ask('session.logon', params));
    await expectRefused(() =>
      app.ask('account.status', { ...params, recvWindow: '50000', x: `&timestamp=${ms}` }),
    );
  });

  it.each([
    ['within a value', 'quantity=0.0', '01&price=20000.00'],
    ['within a name', 'quantity=0.001&pri', 'ce=20000.00'],
    ['before an =', 'quantity', '=0.001&price=20000.00'],
  ])('A query that is cut in two %s proves nothing', async (_where, first, second) => {
    const ms = now();
    const head = `${SYMBOL}&side=BUY&type=LIMIT&timeInForce=GTC&`;
    const tail = `&timestamp=${ms}`;
    const signature = hmac(`${head}${first}${second}${tail}`);
    const before = arrived();
    const reply = await http(
      'POST',
      `/api/v3/order?${head}${first}`,
      `${second}${tail}&signature=${signature}`,
    );
    expect([-1022, -1100]).toContain(reply.json?.code);
    expect(arrived()).toBe(before);
  });

  it('Query and body that are joined into one prove nothing', async () => {
    const ms = now();
    const [query, body] = [`${SYMBOL}&side=BUY&type=LIMIT`, `timeInForce=GTC&quantity=0.001&price=20000.00`];
    const signature = hmac(`${query}${body}&timestamp=${ms}`);
    const joined = `${query}${body}&timestamp=${ms}&signature=${signature}`;
    await expectRefused(() => http('POST', `/api/v3/order?${joined}`));
    await expectRefused(() => http('POST', '/api/v3/order', joined));
  });

  it.each(['timestamp', 'recvWindow'])('Two times %s prove nothing, wherever they stand', async (name) => {
    const ms = now();
    const value = name === 'timestamp' ? ms : 5_000;
    const text = `${SYMBOL}&${name}=1&${name}=${value}${name === 'timestamp' ? '' : `&timestamp=${ms}`}`;
    await expectRefused(() => http('DELETE', `/api/v3/openOrders?${signed(text)}`));
    const body = `${ORDER}&${name}=${value}`;
    const query = `${SYMBOL}&${name}=${value}${name === 'timestamp' ? '' : `&timestamp=${ms}`}`;
    const signature = hmac(`${query}${body}`);
    await expectRefused(() => http('POST', `/api/v3/order?${query}`, `${body}&signature=${signature}`));
  });

  it('Two signatures prove nothing', async () => {
    const text = `${SYMBOL}&timestamp=${now()}`;
    await expectRefused(() => http('GET', `/api/v3/openOrders?${signed(text)}&signature=${'0'.repeat(64)}`));
    await expectRefused(() => http('GET', `/api/v3/openOrders?signature=${'0'.repeat(64)}&${signed(text)}`));
  });
});

describe('what official libraries do', () => {
  it('The same signed GET may be repeated while it is fresh, and shared with another reading', async () => {
    const query = signed(`${SYMBOL}&timestamp=${now()}`);
    for (let i = 0; i < 3; i++) await expectPassed(() => http('GET', `/api/v3/openOrders?${query}`));
    await expectPassed(() => http('GET', `/api/v3/myTrades?${query}`));
    await expectPassed(() =>
      http('POST', '/api/v3/order/test', signed(`${SYMBOL}&${ORDER}&timestamp=${now()}`)),
    );
  });

  it('The same signed DELETE may be repeated, and shared with another cancel', async () => {
    const query = signed(`${SYMBOL}&origClientOrderId=none&timestamp=${now()}`);
    for (let i = 0; i < 2; i++) await expectPassed(() => http('DELETE', `/api/v3/order?${query}`));
    await expectPassed(() => http('DELETE', `/api/v3/orderList?${query}`));
    await expectRefused(() => http('GET', `/api/v3/order?${query}`));
  });

  it('Query and body that are signed without a separator prove the call, as Binance documents it', async () => {
    const query = `${SYMBOL}&side=BUY&type=LIMIT&timeInForce=GTC`;
    const body = `quantity=0.001&price=20000.00&timestamp=${now()}`;
    await expectPassed(() =>
      http('POST', `/api/v3/order?${query}`, `${body}&signature=${hmac(query + body)}`),
    );
  });

  it('Values that are signed decoded, or encoded once more, prove the call', async () => {
    const ms = now();
    const target = (signature: string) =>
      `/api/v3/openOrders?symbol=%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT&timestamp=${ms}&signature=${signature}`;
    await expectPassed(() => http('GET', target(hmac(`symbol=币安人生USDT&timestamp=${ms}`))));
  });
});

describe('a signature that counts once', () => {
  const order = () => signed(`${SYMBOL}&${ORDER}&timestamp=${now()}`);

  it('An order that was placed uses its signature up', async () => {
    const body = order();
    await expectPassed(() => http('POST', '/api/v3/order', body));
    await expectRefused(() => http('POST', '/api/v3/order', body), -2010);
  });

  it('An order that Binance certainly refused gives its signature back', async () => {
    const body = order();
    const answer = JSON.stringify({
      code: -1008,
      msg: 'Server is currently overloaded with other requests.',
    });
    const match = { path: '/api/v3/order', method: 'POST' };
    stage.simulator.inject({
      kind: 'status',
      status: 503,
      body: answer,
      contentType: 'application/json',
      match,
    });
    expect((await http('POST', '/api/v3/order', body)).json?.code).toBe(-1008);
    await expectPassed(() => http('POST', '/api/v3/order', body));
    await expectRefused(() => http('POST', '/api/v3/order', body), -2010);
  });

  it('An order whose answer was lost keeps its signature', async () => {
    const body = order();
    stage.simulator.inject({ kind: 'drop-after-read', match: { path: '/api/v3/order', method: 'POST' } });
    expect((await http('POST', '/api/v3/order', body)).headers['x-proxy-outcome']).toBe('unknown');
    await expectRefused(() => http('POST', '/api/v3/order', body), -1007);
  });

  it('An order that the proxy refused after its signature was judged gives it back', async () => {
    const { underWay } = stage.proxy.parts;
    const { begin } = underWay;
    const body = order();
    underWay.begin = () => {
      throw new Error('a bug');
    };
    const refused = await http('POST', '/api/v3/order', body).finally(() => {
      underWay.begin = begin;
    });
    expect(refused.headers['x-proxy-outcome']).toBe('not-sent');
    await expectPassed(() => http('POST', '/api/v3/order', body));
  });

  it('A logon counts once, and stands for the frames of its own socket alone', async () => {
    const text = `apiKey=${KEY}&timestamp=${now()}`;
    const params = frameParams(signed(text));
    expect((await app.ask('session.logon', params)).status).toBe(200);
    expect((await app.ask('account.status')).status).toBe(200);
    const other = await connectApp(`${stage.wsUrl}/ws-api/v3`);
    await expectRefused(() => other.ask('session.logon', params));
    await expectRefused(() => other.ask('account.status', { apiKey: KEY }));
    await other.close();
  });
});
