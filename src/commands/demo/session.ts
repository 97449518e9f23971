import { setTimeout as sleep } from 'node:timers/promises';
import type { DemoAnswer, DemoCall } from './demo-call.ts';

const MARKET_BUY = 'symbol=BTCUSDT&side=BUY&type=MARKET&quoteOrderQty=250';
const RESTING_BUY =
  'symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=20000.00&newClientOrderId=demo-1';
const WITHDRAWAL = 'coin=BTC&network=BTC&address=bc1qsomebodyelse&amount=1';

type Act = readonly [
  as: DemoCall['as'],
  title: string,
  method: DemoCall['method'],
  path: string,
  params: string,
  expect: number,
];

/** Two apps at the same moment: whichever comes second is answered by the other's call, or from memory. */
const TOGETHER: readonly Act[] = [
  ['bot', 'starts, and asks for the trading rules', 'GET', '/api/v3/exchangeInfo', '', 200],
  ['dashboard', 'asks the same at the same moment', 'GET', '/api/v3/exchangeInfo', '', 200],
];

const ACTS: readonly Act[] = [
  ['bot', 'asks for a price: needs no signature', 'GET', '/api/v3/ticker/price', 'symbol=BTCUSDT', 200],
  ['bot', 'asks for its balances', 'GET', '/api/v3/account', 'omitZeroBalances=true', 200],
  ['bot', 'buys at the market', 'POST', '/api/v3/order', MARKET_BUY, 200],
  [
    'bot',
    'rests an order, signed wrongly by its library',
    'POST',
    '/api/v3/order',
    `${RESTING_BUY}&timestamp=NOW&signature=abc`,
    200,
  ],
  ['bot', 'cancels it', 'DELETE', '/api/v3/order', 'symbol=BTCUSDT&origClientOrderId=demo-1', 200],
  [
    'bot',
    'has its orders in 币安人生USDT',
    'GET',
    '/api/v3/openOrders',
    `symbol=${encodeURIComponent('币安人生USDT')}`,
    200,
  ],
  ['bot', 'was broken into and withdraws', 'POST', '/sapi/v1/capital/withdraw/apply', WITHDRAWAL, 403],
  ['dashboard', 'tries to trade', 'POST', '/api/v3/order', MARKET_BUY, 403],
  ['dashboard', 'looks at all tickers', 'GET', '/api/v3/ticker/24hr', '', 200],
  ['dashboard', 'looks again, beyond its share', 'GET', '/api/v3/ticker/24hr', '', 429],
];

/** Plays the session over real sockets; false when an answer was not what a sound proxy gives. */
export async function playSession(
  url: string,
  keys: Readonly<Record<DemoCall['as'], string>>,
  show: (call: DemoCall, answer: DemoAnswer) => void,
): Promise<boolean> {
  let asExpected = true;
  const tell = (call: DemoCall, answer: DemoAnswer) => {
    show(call, answer);
    asExpected &&= answer.status === call.expect;
  };
  const together = TOGETHER.map(toCall);
  const answers = await Promise.all(together.map((call) => play(url, call, keys[call.as])));
  for (const [index, call] of together.entries()) {
    const answer = answers[index];
    if (answer !== undefined) tell(call, answer);
  }
  for (const act of ACTS) {
    const call = toCall(act);
    if (call.as === 'dashboard') await clearOfTheMinutesEnd();
    tell(call, await play(url, call, keys[call.as]));
  }
  return asExpected;
}

function toCall([as, title, method, path, params, expect]: Act): DemoCall {
  return { as, title, method, path, params: params.replace('NOW', String(Date.now())), expect };
}

/** A share counts by the clock's minute: the two looks of the dashboard must fall into the same one. */
async function clearOfTheMinutesEnd(): Promise<void> {
  const leftMs = 60_000 - (Date.now() % 60_000);
  if (leftMs < 2_000) await sleep(leftMs + 100);
}

async function play(url: string, call: DemoCall, key: string): Promise<DemoAnswer> {
  const inBody = call.method === 'POST';
  const response = await fetch(`${url}${call.path}${inBody || call.params === '' ? '' : `?${call.params}`}`, {
    method: call.method,
    headers: { 'x-mbx-apikey': key },
    ...(inBody ? { body: call.params } : {}),
  });
  return {
    status: response.status,
    error: response.headers.get('x-proxy-error') ?? undefined,
    requestId: response.headers.get('x-proxy-request-id') ?? '',
    text: await response.text(),
  };
}
