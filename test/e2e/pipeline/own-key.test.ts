import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Reply, send } from '../../support/clients/http.ts';
import { connectApp, type WsApp, type WsReply } from '../../support/clients/ws-app.ts';
import { openWsStage, type WsStage } from '../../support/servers/ws-stage.ts';
import { wsEnv } from '../../support/servers/ws-upstream.ts';

const newRsa = () => generateKeyPairSync('rsa', { modulusLength: 2048 });
const newEd25519 = () => generateKeyPairSync('ed25519');
const KINDS = [
  ['Ed25519', newEd25519],
  ['RSA', newRsa],
] as const;
const pem = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }).toString();

const KEY = 'O'.repeat(64);
const BOTH_KEY = 'B'.repeat(64);
const SECRET = 'issued-secret-'.repeat(4);
const YAML = ['OWN', 'BOTH'].reduce(
  (text, prefix) => `${text}
  ${prefix.toLowerCase()}:
    account: main
    envPrefix: ${prefix}
    requireSignature: true
    permissions: [market-data, read, spot-margin-trade]`,
  'clients:',
);
const ORDER = 'symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=20000.00';

/** The order was sent before, or its signature is in a spelling that is none. */
const REPEATED = [-2010, -1022];

let lastMs = 0;
/** A timestamp that no other test uses, so that no two tests share a signature. */
function now(): number {
  lastMs = Math.max(Date.now(), lastMs + 1);
  return lastMs;
}

function signedBy(key: KeyObject, text: string): string {
  const digest = key.asymmetricKeyType === 'rsa' ? 'sha256' : null;
  return sign(digest, Buffer.from(text), key).toString('base64');
}

describe.each(KINDS)('an app that signs with an %s key of its own', (kind, newPair) => {
  const own = newPair();
  const both = newPair();
  const { privateKey } = own;
  let stage: WsStage;
  let app: WsApp;
  beforeAll(async () => {
    const env = {
      ...{ OWN_CLIENT_KEY: KEY, OWN_CLIENT_PUBLIC_KEY: pem(own.publicKey) },
      ...{ BOTH_CLIENT_KEY: BOTH_KEY, BOTH_CLIENT_PUBLIC_KEY: pem(both.publicKey) },
      BOTH_CLIENT_SECRET: SECRET,
    };
    stage = await openWsStage('HMAC', { env, yaml: YAML });
  });
  beforeEach(async () => {
    app = await connectApp(`${stage.wsUrl}/ws-api/v3`);
  });
  afterEach(() => app.close());
  afterAll(() => stage.close());

  const arrived = () => stage.simulator.requests.length + stage.simulator.frames.length;
  const http = (method: string, path: string, query: string, key = KEY) =>
    send(stage.proxy.port, `${path}?${query}`, { method, headers: { 'x-mbx-apikey': key } });
  const withSignature = (
    text: string,
    signature: string,
    encode: (text: string) => string = encodeURIComponent,
  ) => `${text}&signature=${encode(signature)}`;
  const signed = (text: string, key = privateKey) => withSignature(text, signedBy(key, text));
  /** The parameters of a form text whose names are sorted, signed as a frame is: raw base64. */
  function frame(text: string, key = privateKey): Record<string, string> {
    const pairs = text.split('&').map((pair) => pair.split('=') as [string, string]);
    return { ...Object.fromEntries(pairs), signature: signedBy(key, text) };
  }
  const sortedOrder = (ms: number, key = KEY) =>
    `apiKey=${key}&price=20000.00&quantity=0.001&side=BUY&symbol=BTCUSDT&timeInForce=GTC&timestamp=${ms}&type=LIMIT`;

  async function expectRefused(
    sending: () => Promise<Reply | WsReply>,
    ...codes: readonly number[]
  ): Promise<void> {
    const before = arrived();
    const reply = await sending();
    expect('json' in reply ? reply.json?.code : (reply as WsReply).error?.code).toBeOneOf(
      codes.length === 0 ? [-1022] : codes,
    );
    expect(arrived()).toBe(before);
  }
  async function expectPassed(sending: () => Promise<Reply | WsReply>): Promise<void> {
    const before = arrived();
    const reply = await sending();
    expect('json' in reply ? reply.json?.code : (reply as WsReply).error?.code).toBeUndefined();
    expect(arrived()).toBe(before + 1);
    expect(
      [...stage.simulator.requests, ...stage.simulator.frames].every(({ verified }) => verified !== false),
    ).toBe(true);
  }

  it('Its REST calls pass, the signature percent-encoded or raw', async () => {
    for (const encode of [encodeURIComponent, (text: string) => text]) {
      const text = `symbol=BTCUSDT&timestamp=${now()}`;
      const query = withSignature(text, signedBy(privateKey, text), encode);
      await expectPassed(() => http('GET', '/api/v3/openOrders', query));
      const order = `${ORDER}&timestamp=${now()}`;
      await expectPassed(() =>
        http('POST', '/api/v3/order', withSignature(order, signedBy(privateKey, order), encode)),
      );
    }
    const body = signed(`${ORDER}&timestamp=${now()}`);
    await expectPassed(() =>
      send(stage.proxy.port, '/api/v3/order', { method: 'POST', headers: { 'x-mbx-apikey': KEY }, body }),
    );
  });

  it('Its signed frames pass, and a logon that it signed stands for the frames that follow', async () => {
    await expectPassed(() => app.ask('order.place', frame(sortedOrder(now()))));
    expect((await app.ask('session.logon', frame(`apiKey=${KEY}&timestamp=${now()}`))).status).toBe(200);
    await expectPassed(() => app.ask('account.status'));
    await expectPassed(() => app.ask('order.place', Object.fromEntries(new URLSearchParams(ORDER))));
  });

  it('Nothing that it did not sign passes', async () => {
    await expectRefused(() => http('GET', '/api/v3/account', ''));
    await expectRefused(() => http('POST', '/api/v3/order', ORDER));
    await expectRefused(() => app.ask('account.status', { apiKey: KEY }));
    await app.ask('session.logon', { apiKey: KEY });
    await expectRefused(() => app.ask('account.status', { apiKey: KEY }));
  });

  it.each<[what: string, other: () => KeyObject]>([
    ['another key of its kind', () => newPair().privateKey],
    ['the key of another client', () => both.privateKey],
    ['a key of the other kind', () => (kind === 'RSA' ? newEd25519() : newRsa()).privateKey],
  ])('A signature by %s is refused', async (_what, other) => {
    const key = other();
    await expectRefused(() => http('GET', '/api/v3/account', signed(`timestamp=${now()}`, key)));
    await expectRefused(() => http('POST', '/api/v3/order', signed(`${ORDER}&timestamp=${now()}`, key)));
    await expectRefused(() => app.ask('order.place', frame(sortedOrder(now()), key)));
    await expectRefused(() => app.ask('session.logon', frame(`apiKey=${KEY}&timestamp=${now()}`, key)));
    await expectRefused(() => app.ask('account.status', { apiKey: KEY }));
  });

  it('A signature of HMAC is refused, with the public key as its secret too', async () => {
    for (const secret of [SECRET, pem(own.publicKey), KEY]) {
      const text = `timestamp=${now()}`;
      const signature = createHmac('sha256', secret).update(text).digest('hex');
      await expectRefused(() => http('GET', '/api/v3/account', `${text}&signature=${signature}`));
    }
  });

  it('What was signed and then changed is refused', async () => {
    const order = signed(`${ORDER}&timestamp=${now()}`);
    for (const [from, to] of [
      ['quantity=0.001', 'quantity=0.002'],
      ['side=BUY', 'side=SELL'],
      ['&price=', '&stopPrice=1&price='],
      ['&timeInForce=GTC', ''],
    ] as const)
      await expectRefused(() => http('POST', '/api/v3/order', order.replace(from, to)));
    const params = frame(sortedOrder(now()));
    await expectRefused(() => app.ask('order.place', { ...params, quantity: '0.002' }));
    await expectRefused(() => app.ask('order.place', { ...params, stopPrice: '1' }));
    await expectPassed(() => http('POST', '/api/v3/order', order));
    await expectPassed(() => app.ask('order.place', params));
  });

  it('What it signed long ago, or without a time, is refused', async () => {
    const old = Date.now() - 3_600_000;
    await expectRefused(
      () => http('GET', '/api/v3/account', signed(`recvWindow=60000&timestamp=${old}`)),
      -1021,
    );
    await expectRefused(() => http('POST', '/api/v3/order', signed(`${ORDER}&timestamp=${old}`)), -1021);
    await expectRefused(() => app.ask('order.place', frame(sortedOrder(old))), -1021);
    await expectRefused(() => app.ask('session.logon', frame(`apiKey=${KEY}&timestamp=${old}`)), -1021);
    await expectRefused(() => http('GET', '/api/v3/account', signed('recvWindow=60000')));
    await expectRefused(() => app.ask('account.status', frame(`apiKey=${KEY}`)));
    const twice = `timestamp=${now()}&timestamp=${now()}`;
    await expectRefused(() => http('GET', '/api/v3/account', signed(twice)));
  });

  it('Its signature of an order counts once, however it is spelt', async () => {
    const text = `${ORDER}&timestamp=${now()}`;
    const signature = signedBy(privateKey, text);
    await expectPassed(() => http('POST', '/api/v3/order', withSignature(text, signature)));
    const spellings: ((raw: string) => string)[] = [
      encodeURIComponent,
      (raw) => raw,
      (raw) => encodeURIComponent(raw).replaceAll(/%../g, (escaped) => escaped.toLowerCase()),
      (raw) => `%${raw.charCodeAt(0).toString(16)}${raw.slice(1)}`,
      (raw) => raw.replaceAll('=', ''),
      (raw) => raw.replaceAll('+', '-').replaceAll('/', '_'),
      (raw) => `${raw}%0A`,
    ];
    for (const spell of spellings)
      await expectRefused(
        () => http('POST', '/api/v3/order', withSignature(text, signature, spell)),
        ...REPEATED,
      );
    const params = frame(sortedOrder(now()));
    await expectPassed(() => app.ask('order.place', params));
    await expectRefused(() => app.ask('order.place', params), ...REPEATED);
    const spelt = { ...params, signature: encodeURIComponent(params.signature ?? '') };
    await expectRefused(() => app.ask('order.place', spelt), ...REPEATED);
  });

  it('Its signature proves nothing for another use, or at another door', async () => {
    const query = signed(`recvWindow=50000&symbol=BTCUSDT&timestamp=${now()}`);
    await expectPassed(() => http('GET', '/api/v3/openOrders', query));
    await expectRefused(() => http('DELETE', '/api/v3/openOrders', query));
    await expectRefused(() => http('POST', '/api/v3/order', query));
    const text = `apiKey=${KEY}&timestamp=${now()}`;
    const params = frame(text);
    expect((await app.ask('session.logon', params)).status).toBe(200);
    const other = await connectApp(`${stage.wsUrl}/ws-api/v3`);
    await expectRefused(() => other.ask('session.logon', params));
    await expectRefused(() => other.ask('account.status', params));
    await expectRefused(() => other.ask('account.status', { apiKey: KEY }));
    await other.close();
    await expectRefused(() => http('GET', '/api/v3/account', withSignature(text, params.signature ?? '')));
  });

  it('Of a client with both a secret and a public key either verifies, and nothing else does', async () => {
    const text = `timestamp=${now()}`;
    const hmac = createHmac('sha256', SECRET).update(text).digest('hex');
    await expectPassed(() => http('GET', '/api/v3/account', `${text}&signature=${hmac}`, BOTH_KEY));
    const ms = now();
    await expectPassed(() =>
      http('GET', '/api/v3/account', signed(`timestamp=${ms}`, both.privateKey), BOTH_KEY),
    );
    await expectRefused(() => http('GET', '/api/v3/account', signed(`timestamp=${now()}`), BOTH_KEY));
    const order = sortedOrder(now(), BOTH_KEY);
    await expectPassed(() => app.ask('order.place', frame(order, both.privateKey)));
    await expectRefused(() => app.ask('order.place', frame(order)));
  });

  it('No signature of its own is sent on, or stands in the log', async () => {
    const text = `timestamp=${now()}`;
    const signature = signedBy(privateKey, text);
    await http('GET', '/api/v3/account', withSignature(text, signature));
    await http('GET', '/api/v3/nothing', withSignature(text, signature));
    const params = frame(`apiKey=${KEY}&timestamp=${now()}`);
    await app.ask('account.status', params);
    const sent = [...stage.simulator.requests].map(({ target }) => target).join('\n');
    const all = `${sent}\n${stage.simulator.frames.map((each) => each.text).join('\n')}\n${stage.proxy.lines.join('\n')}`;
    for (const own of [signature, encodeURIComponent(signature), params.signature ?? ''])
      expect(all).not.toContain(own);
  });
});

it('A public key that a reload replaces ends what the old one proved', async () => {
  const [before, after] = [newEd25519(), newEd25519()];
  const yaml = YAML.slice(0, YAML.indexOf('\n  both:'));
  const env = (pair: typeof before) => ({ OWN_CLIENT_KEY: KEY, OWN_CLIENT_PUBLIC_KEY: pem(pair.publicKey) });
  const stage = await openWsStage('HMAC', { env: env(before), yaml });
  const app = await connectApp(`${stage.wsUrl}/ws-api/v3`);
  const logon = (key: KeyObject) => {
    const text = `apiKey=${KEY}&timestamp=${now()}`;
    const [timestamp, signature] = [text.split('=').at(-1), signedBy(key, text)];
    return app.ask('session.logon', { apiKey: KEY, timestamp, signature });
  };
  expect((await logon(before.privateKey)).status).toBe(200);
  expect((await app.ask('account.status')).status).toBe(200);
  const wsUrl = stage.simulator.url.replace('http', 'ws');
  stage.proxy.reload({ ...wsEnv({ wsUrl }), ...env(after) }, yaml);
  expect((await app.ask('account.status')).error?.code).toBe(-1022);
  expect((await logon(before.privateKey)).error?.code).toBe(-1022);
  expect((await logon(after.privateKey)).status).toBe(200);
  expect((await app.ask('account.status')).status).toBe(200);
  await app.close();
  await stage.close();
});
