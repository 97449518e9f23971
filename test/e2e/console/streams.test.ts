import { afterEach, describe, expect, it } from 'vitest';
import { type EventReader, readEvents } from '../../support/clients/event-reader.ts';
import { send } from '../../support/clients/http.ts';
import {
  ALICE_TOKEN,
  type ConsoleStage,
  READER_KEY,
  startConsoleStage,
} from '../../support/console-stage.ts';

const BEARER = { authorization: `Bearer ${ALICE_TOKEN}` };
const MOST = 8;

let stage: ConsoleStage | undefined;
const readers: EventReader[] = [];

afterEach(async () => {
  for (const reader of readers.splice(0)) reader.close();
  await stage?.close();
  stage = undefined;
});

async function start(): Promise<{
  readonly port: number;
  view(headers?: Record<string, string>): Promise<EventReader>;
}> {
  stage = await startConsoleStage();
  const port = Number(new URL(stage.page).port);
  return {
    port,
    async view(headers = BEARER) {
      const reader = await readEvents(port, headers);
      readers.push(reader);
      return reader;
    },
  };
}

const read = () =>
  send(stage?.proxy.port ?? 0, '/api/v3/account', { headers: { 'x-mbx-apikey': READER_KEY } });

async function logIn(port: number): Promise<string> {
  const reply = await send(port, '/operator/session', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token: ALICE_TOKEN }),
  });
  return String(reply.headers['set-cookie']?.[0]).split(';')[0] ?? '';
}

describe('the stream of records', () => {
  it('Nobody without a token has one', async () => {
    const { port } = await start();
    expect((await send(port, '/operator/events')).status).toBe(401);
    // A HEAD would hold a place that nobody sees.
    expect((await send(port, '/operator/events', { method: 'HEAD', headers: BEARER })).status).toBe(404);
  });

  it('Every viewer gets each record once, as it was written', async () => {
    const { view } = await start();
    const viewers = [await view(), await view()];
    expect(viewers[0]?.headers['content-type']).toBe('text/event-stream; charset=utf-8');
    expect(viewers[0]?.headers['cache-control']).toBe('no-store');
    await read();
    // The first use of a key on a day is a record too.
    const callsOf = (at: number) =>
      viewers[at]?.records.filter(({ event }) => event.startsWith('call.')) ?? [];
    for (const at of viewers.keys())
      await expect
        .poll(() => callsOf(at).map(({ event }) => event))
        .toEqual(['call.signed', 'call.completed']);
    const [signed] = stage?.proxy.records('call.signed').slice(-1) ?? [];
    expect(callsOf(0)[0]).toEqual(signed);
  });

  it('There are eight at the most, and a place is free again when one has gone', async () => {
    const { port, view } = await start();
    for (let number = 0; number < MOST; number++) expect((await view()).status).toBe(200);
    const refused = await send(port, '/operator/events', { headers: BEARER });
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '5']);
    readers[0]?.close();
    await expect.poll(async () => (await view()).status).toBe(200);
  });

  it('A stream ends with the session that it was opened in', async () => {
    const { port, view } = await start();
    const cookie = await logIn(port);
    const viewer = await view({ cookie });
    const ended = await send(port, '/operator/session', {
      method: 'DELETE',
      headers: { cookie, origin: `http://127.0.0.1:${port}` },
    });
    expect(ended.status).toBe(200);
    // The end of the session is a record, and with it the streams are looked at.
    await expect.poll(() => viewer.hasEnded).toBe(true);
    expect(viewer.records).toEqual([]);
  });

  it('A viewer that takes nothing misses records and hears how many; nobody waits for it', async () => {
    const { view } = await start();
    const [slow, quick] = [await view(), await view()];
    slow.pause();
    const { trail } = stage?.proxy.parts ?? {};
    // Each about 18 kB: what the system holds for a socket is full after some hundred of them.
    const detail = Object.fromEntries(
      Array.from({ length: 20 }, (_, number) => [`part${number}`, 'x y '.repeat(225)]),
    );
    let written = 0;
    const missedSoFar = async () => {
      const { port } = new URL(stage?.page ?? '');
      const reply = await send(Number(port), '/operator/overview', { headers: BEARER });
      return Number((reply.json?.streams as { missed?: number } | undefined)?.missed);
    };
    let told = 0;
    for (let round = 0; round < 60 && told === 0; round++) {
      for (let number = 0; number < 100; number++, written++)
        trail?.note({ event: 'library.printed', detail });
      await expect.poll(() => quick.records.length).toBe(written);
      told = await missedSoFar();
    }
    expect(told).toBeGreaterThan(0);
    expect(quick.missed).toBe(0);
    slow.resume();
    await expect
      .poll(() => {
        trail?.note({ event: 'library.printed', msg: 'once more' });
        return slow.missed;
      })
      .toBeGreaterThan(0);
  });

  it('The proxy stops with open streams as fast as without', async () => {
    const { view } = await start();
    const viewers = await Promise.all(Array.from({ length: MOST }, () => view()));
    const startMs = performance.now();
    await stage?.proxy.close();
    expect(performance.now() - startMs).toBeLessThan(12_000);
    await expect.poll(() => viewers.every(({ hasEnded }) => hasEnded)).toBe(true);
    stage = { ...(stage as ConsoleStage), close: () => (stage as ConsoleStage).simulator.close() };
  });
});
