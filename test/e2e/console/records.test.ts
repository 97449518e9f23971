import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { send } from '../../support/clients/http.ts';
import {
  ALICE_TOKEN,
  BOT_KEY,
  type ConsoleStage,
  READER_KEY,
  startConsoleStage,
} from '../../support/console-stage.ts';
import type { LogRecord } from '../../support/servers/proxy.ts';

interface Found {
  readonly records: readonly LogRecord[];
  readonly isComplete: boolean;
  readonly backTo: string | null;
  readonly before: number | null;
  readonly isStored: boolean;
}

let stage: ConsoleStage;

beforeAll(async () => {
  stage = await startConsoleStage();
  await order('BTCUSDT', '0.01', 'my-order-1');
  await order('ETHUSDT', '0.1', 'my-order-2');
  await order('BTCUSDT', '9', 'my-order-3');
  await call('/api/v3/account', READER_KEY);
});

afterAll(() => stage.close());

const call = (path: string, key: string, method = 'GET') =>
  send(stage.proxy.port, path, { method, headers: { 'x-mbx-apikey': key } });

function order(symbol: string, quantity: string, id: string) {
  const params = new URLSearchParams({
    ...{ symbol, quantity, side: 'BUY', type: 'LIMIT', timeInForce: 'GTC', newClientOrderId: id },
    price: symbol === 'BTCUSDT' ? '20000' : '1000',
  });
  return call(`/api/v3/order?${params}`, BOT_KEY, 'POST');
}

const ask = (path: string, sending: Parameters<typeof send>[2] = {}) =>
  send(Number(new URL(stage.page).port), path, {
    ...sending,
    headers: { authorization: `Bearer ${ALICE_TOKEN}`, ...sending.headers },
  });

async function find(query: string): Promise<Found> {
  const reply = await ask(`/operator/records?${query}`);
  expect(reply.status).toBe(200);
  return reply.json as unknown as Found;
}

const eventsOf = ({ records }: Found) => records.map(({ event }) => event);

describe('records of the past', () => {
  it('The latest come first, from the day files, with their seals', async () => {
    const found = await find('event=call&limit=1000');
    const numbers = found.records.map(({ seq }) => Number(seq));
    expect(numbers).toEqual(numbers.toSorted((one, other) => other - one));
    expect(found).toMatchObject({ isComplete: true, isStored: true });
    expect(found.records.every(({ hash }) => typeof hash === 'string')).toBe(true);
  });

  it.each([
    ['client=reader', (record: LogRecord) => record.client === 'reader'],
    ['event=call.refused', (record: LogRecord) => record.event === 'call.refused'],
    ['outcome=not-sent', (record: LogRecord) => record.outcome === 'not-sent'],
    ['error=PROXY_ORDER_REFUSED', (record: LogRecord) => record.error === 'PROXY_ORDER_REFUSED'],
  ])('%s gives nothing else, and something', async (query, isRight) => {
    const { records } = await find(query);
    expect(records.length).toBeGreaterThan(0);
    expect(records.filter((record) => !isRight(record))).toEqual([]);
  });

  it.each(['symbol=ETHUSDT', 'symbol=ethusdt', 'id=my-order-2'])(
    '%s finds the whole life of the call that names it, also what does not name it itself',
    async (query) => {
      const found = await find(query);
      expect(eventsOf(found)).toEqual(['call.completed', 'call.signed']);
      expect(new Set(found.records.map(({ requestId }) => requestId)).size).toBe(1);
    },
  );

  it('A request’s id finds its records, and an event beside it narrows them', async () => {
    const { records } = await find('id=my-order-1');
    const id = String(records[0]?.requestId);
    expect(eventsOf(await find(`id=${id}`))).toEqual(['call.completed', 'call.signed']);
    expect(eventsOf(await find(`id=${id}&event=call.signed`))).toEqual(['call.signed']);
  });

  it('A limit is kept, and the search goes on before where it stopped', async () => {
    const all = await find('event=call');
    const first = await find('event=call&limit=2');
    expect(first).toMatchObject({ isComplete: false, backTo: first.records[1]?.time });
    expect(first.records).toEqual(all.records.slice(0, 2));
    const rest = await find(`event=call&until=${first.backTo}`);
    expect(all.records.slice(2)).toEqual(expect.arrayContaining([...rest.records]));
  });

  it('It goes on before a number too, through records of one moment, and none is left out or given twice', async () => {
    const { trail } = stage.proxy.parts;
    for (let number = 0; number < 40; number++)
      trail.note({ event: 'library.printed', msg: `line ${number}` });
    const numbers: number[] = [];
    for (let before: number | null | undefined; before !== null; ) {
      const more: string = before === undefined ? '' : `&before=${before}`;
      const found: Found = await find(`event=library&limit=7${more}`);
      numbers.push(...found.records.map(({ seq }) => Number(seq)));
      before = found.isComplete ? null : found.before;
    }
    expect(numbers).toHaveLength(40);
    expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) - index));
    expect((await ask('/operator/records?before=x')).status).toBe(400);
  });

  it('A span of time is kept', async () => {
    const { records } = await find('event=call');
    const middle = String(records[2]?.time);
    const [before, from] = [await find(`until=${middle}`), await find(`since=${middle}`)];
    expect(before.records.every(({ time }) => String(time) < middle)).toBe(true);
    expect(from.records.every(({ time }) => String(time) >= middle)).toBe(true);
  });

  it.each(['limit=0', 'limit=1001', 'limit=x', 'since=soon', 'until=2026-13-45', 'client=a&client=b'])(
    '%s is refused with a sentence',
    async (query) => {
      const reply = await ask(`/operator/records?${query}`);
      expect([reply.status, typeof reply.json?.error]).toEqual([400, 'string']);
    },
  );

  it('Lines that are no records are left out, and what is written meanwhile harms nothing', async () => {
    const folder = stage.proxy.parts.app.config().settings.audit.dir ?? '';
    const [name = ''] = readdirSync(folder).filter((file) => file.endsWith('.ndjson'));
    const before = (await find('event=call')).records.length;
    const whole = readFileSync(join(folder, name));
    appendFileSync(join(folder, name), '{"time":"2026-01-01T00:00:00.000Z","event":"call.signed","seq":');
    expect((await find('event=call')).records).toHaveLength(before);
    writeFileSync(join(folder, name), whole);
  });

  it('Without an audit folder the last records are there from memory', async () => {
    const bare = await startConsoleStage({ env: { BINANCE_PROXY_AUDIT_DIR: '' } });
    try {
      await send(bare.proxy.port, '/api/v3/account', { headers: { 'x-mbx-apikey': READER_KEY } });
      const reply = await send(Number(new URL(bare.page).port), '/operator/records?client=reader', {
        headers: { authorization: `Bearer ${ALICE_TOKEN}` },
      });
      const found = reply.json as unknown as Found;
      expect(found.isStored).toBe(false);
      expect(eventsOf(found)).toEqual(['call.completed', 'call.signed']);
    } finally {
      await bare.close();
    }
  });
});

describe('what else is read from them', () => {
  const post = (path: string, body: unknown) =>
    ask(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });

  it('The chain is verified beside everything else, and a changed record is named', async () => {
    const verdict = async () => {
      expect((await post('/operator/verification', {})).status).toBe(202);
      await expect.poll(async () => (await ask('/operator/verification')).json?.state).not.toBe('running');
      return (await ask('/operator/verification')).json;
    };
    expect(await verdict()).toMatchObject({ state: 'whole', firstSeq: 1 });
    const folder = stage.proxy.parts.app.config().settings.audit.dir ?? '';
    const [name = ''] = readdirSync(folder).filter((file) => file.endsWith('.ndjson'));
    const path = join(folder, name);
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replace('my-order-1', 'my-order-9'));
    const broken = await verdict();
    writeFileSync(path, text.replace('my-order-9', 'my-order-1'));
    expect(broken).toMatchObject({ state: 'broken', problem: expect.stringContaining(`${name}, line `) });
    expect(JSON.stringify(broken)).not.toContain(folder);
  });

  it('What a client needs is read from its own history, as configuration', async () => {
    const reply = await ask('/operator/suggestion?client=bot&since=1d');
    const { yaml } = reply.json as { readonly yaml: string };
    for (const line of [
      'permissions:',
      '- spot-margin-trade',
      '- BTCUSDT',
      '- ETHUSDT',
      '- LIMIT',
      'USDT: "200"',
      'USDT: "300"',
      'maxPerDay: 2',
    ])
      expect(yaml).toContain(line);
    expect(yaml).toContain('# Refused then, and still: 1 × PROXY_ORDER_REFUSED order.maxNotional');
    expect(yaml).not.toContain('- read');
    expect((await ask('/operator/suggestion')).status).toBe(400);
  });

  it('The overview says what is not well with what to do, and counts calls and refusals', async () => {
    const { json } = await ask('/operator/overview');
    expect(json).toMatchObject({
      you: { name: 'alice', channel: 'token', passkeyRequired: false },
      environment: 'simulator',
      status: { ready: true },
      unresolved: [],
      isAuditStored: true,
    });
    const { calls, clients, budgets } = json as unknown as {
      calls: {
        clients: { client: string; calls: number; refused: number }[];
        refusals: unknown[];
        added: { p99Ms: number };
      };
      clients: { name: string; today: unknown; weight: { perMinute: number } }[];
      budgets: { buckets: unknown[] };
    };
    expect(calls.clients.find(({ client }) => client === 'bot')).toMatchObject({
      calls: 3,
      refused: 1,
      unknown: 0,
    });
    expect(calls.refusals).toEqual([{ error: 'PROXY_ORDER_REFUSED', rule: 'order.maxNotional', count: 1 }]);
    expect(calls.added.p99Ms).toBeGreaterThan(0);
    expect(clients.find(({ name }) => name === 'bot')).toMatchObject({
      today: { orders: 2, notional: { USDT: expect.stringMatching(/^\d/) } },
      weight: { perMinute: 1200 },
    });
    expect(budgets.buckets.length).toBeGreaterThan(0);
  });
});
