import { expect, it } from 'vitest';
import { startTestProxy } from '../../support/servers/proxy.ts';
import { startUpstream } from '../../support/servers/upstream.ts';

it.each([
  ['POST', '/api/v3/order'],
  ['DELETE', '/api/v3/order'],
])(
  'A multipart body of a %s is refused with what to send in its place, and nothing leaves',
  async (method, path) => {
    const upstream = await startUpstream();
    const proxy = await startTestProxy({ upstream: upstream.url });
    const body = new FormData();
    for (const [name, value] of Object.entries({
      symbol: 'BTCUSDT',
      side: 'BUY',
      type: 'MARKET',
      quantity: '1',
    }))
      body.set(name, value);
    const answer = await fetch(`http://127.0.0.1:${proxy.port}${path}`, {
      method,
      body,
      headers: { 'sec-fetch-mode': 'cors', 'user-agent': 'an app', connection: 'close' },
    });
    expect([answer.status, await answer.json()]).toEqual([
      400,
      {
        code: -1100,
        msg: 'Malformed request: a multipart body is not read, send the parameters as application/x-www-form-urlencoded, as flat JSON, or in the query.',
      },
    ]);
    expect(answer.headers.get('x-proxy-outcome')).toBe('not-sent');
    expect(upstream.received).toEqual([]);
    await proxy.close();
    await upstream.close();
  },
);
