import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { UnsealedRecord } from '../../src/core/records/record.ts';
import { mayBeNotice } from '../../src/notices/notice-table.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { send } from '../support/clients/http.ts';
import { startNoticeServer } from '../support/notice-server.ts';
import { ALL_KINDS, allAt, SECRETS } from '../support/notice-targets.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET, type TestProxy } from '../support/servers/proxy.ts';

const KINDS = ['ntfy', 'slack', 'telegram', 'webhook'];
/** How long one try may take. */
const TRY_MS = 400;
const TOLD = { event: 'preflight.failed', account: 'main', msg: `It says ${SECRETS.join(', ')}.` } as const;

let simulator: Simulator;
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function start(url: string): Promise<TestProxy> {
  simulator = await startSimulator({ accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET }] });
  closing.push(() => simulator.close());
  const proxy = await startTestProxy({
    upstream: simulator.url,
    yaml: ALL_KINDS,
    env: allAt(url),
    timeouts: { noticePausesMs: [20, 20, 20], noticeMs: TRY_MS },
  });
  closing.push(() => proxy.close());
  return proxy;
}

/** A service that does this with every connection once something was asked on it; counts what was asked. */
async function serviceThat(answer: (socket: Socket) => void) {
  const heard: string[] = [];
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => {});
    socket.once('data', (bytes) => {
      heard.push(bytes.toString('latin1'));
      answer(socket);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(async () => {
    for (const socket of open) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, heard };
}

const status = (line: string, headers = '', body = SECRETS.join(' ')) =>
  `HTTP/1.1 ${line}\r\n${headers}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

/** Nothing that the proxy has written, or shows its operators, has a secret or the address of a target. */
async function expectNothingSecret({ lines, operatorUrl }: TestProxy, url: string): Promise<void> {
  const { text } = await send(Number(new URL(operatorUrl).port), '/metrics');
  for (const written of [lines.join('\n'), text])
    for (const secret of [...SECRETS, new URL(url).host]) expect(written).not.toContain(secret);
}

describe('a service of each kind', () => {
  it.each<readonly [what: string, answer: (socket: Socket, elsewhere: string) => void, why: RegExp]>([
    ['never answers', () => {}, /^it was not taken within 0\.4 s$/],
    ['begins an answer and stops', (socket) => void socket.write('HTTP/1.1 2'), /^it was not taken within/],
    [
      'answers 400',
      (socket) => void socket.end(status('400 Bad Request')),
      /^it was answered with status 400$/,
    ],
    [
      'answers 404',
      (socket) => void socket.end(status('404 Not Found')),
      /^it was answered with status 404$/,
    ],
    [
      'answers 429',
      (socket) => void socket.end(status('429 Slow Down')),
      /^it was answered with status 429$/,
    ],
    ['answers 500', (socket) => void socket.end(status('500 Oh')), /^it was answered with status 500$/],
    ...[301, 302, 303, 307, 308].map(
      (code) =>
        [
          `redirects with ${code}`,
          (socket: Socket, elsewhere: string) =>
            void socket.end(status(`${code} Over There`, `location: ${elsewhere}/stolen\r\n`)),
          new RegExp(`^it was answered with a redirect \\(${code}\\), which is not followed$`),
        ] as const,
    ),
    [
      'answers no HTTP',
      (socket) => void socket.end(`${SECRETS[0]}\r\n\r\n`),
      /^it was answered with what is no HTTP$/,
    ],
    [
      'answers with zeros',
      (socket) => void socket.end(Buffer.alloc(1_000)),
      /^it was answered with what is no HTTP$/,
    ],
    ['closes without a word', (socket) => void socket.end(), /^there was no connection \(UND_ERR_SOCKET\)$/],
    [
      'resets the connection',
      (socket) => void socket.resetAndDestroy(),
      /^there was no connection \(ECONNRESET\)$/,
    ],
  ])(
    'That %s is tried four times and then recorded, calls pass, and nothing secret is told',
    async (_, answer, why) => {
      const elsewhere = await startNoticeServer();
      closing.push(() => elsewhere.close());
      const service = await serviceThat((socket) => answer(socket, elsewhere.url));
      const proxy = await start(service.url);
      proxy.parts.trail.note(TOLD);
      expect((await send(proxy.port, '/api/v3/account')).status).toBe(200);
      await expect.poll(() => proxy.records('notice.failed').length, { timeout: 30_000 }).toBe(KINDS.length);
      const failed = proxy.records('notice.failed');
      expect(failed.map(({ detail }) => (detail as { kind: string }).kind).sort()).toEqual(KINDS);
      for (const { msg, detail } of failed) {
        expect(msg).toMatch(why);
        expect(detail).toMatchObject({ about: TOLD.event, tries: 4 });
      }
      expect([service.heard.length, elsewhere.taken.length]).toEqual([4 * KINDS.length, 0]);
      await expectNothingSecret(proxy, service.url);
    },
  );

  it('That is not there is tried four times and then recorded', async () => {
    const gone = await startNoticeServer();
    await gone.close();
    const proxy = await start(gone.url);
    proxy.parts.trail.note(TOLD);
    await expect.poll(() => proxy.records('notice.failed').length, { timeout: 30_000 }).toBe(KINDS.length);
    for (const { msg } of proxy.records('notice.failed'))
      expect(msg).toBe('there was no connection (ECONNREFUSED)');
    await expectNothingSecret(proxy, gone.url);
  });

  it.each<readonly [what: string, answer: (socket: Socket) => void]>([
    [
      'answers slowly, but in time',
      (socket) => void setTimeout(() => socket.end(status('200 OK')), TRY_MS / 4),
    ],
    [
      'never ends its answer',
      (socket) => void socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n{'),
    ],
    [
      'sends more than anybody would read',
      (socket) => void socket.end(`HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(5_000_000)}`),
    ],
    ['takes it with 202 and no word', (socket) => void socket.end(status('202 Accepted', '', ''))],
  ])('That %s has taken it', async (_, answer) => {
    const service = await serviceThat(answer);
    const proxy = await start(service.url);
    proxy.parts.trail.note(TOLD);
    const ends = () => proxy.parts.notices.state.map(({ sent, waiting }) => ({ sent, waiting }));
    await expect.poll(ends, { timeout: 30_000 }).toEqual(KINDS.map(() => ({ sent: 1, waiting: 0 })));
    await expectNothingSecret(proxy, service.url);
  });
});

describe('every topic', () => {
  it('Is told by each kind without a secret, whatever stands in its record', async () => {
    const page = readFileSync(new URL('../../docs/notices.md', import.meta.url), 'utf8');
    const table = page.slice(
      page.indexOf('## What is told'),
      page.indexOf('A notice says what its record says'),
    );
    const topics = [...table.matchAll(/^\|(.*?)\|/gm)]
      .flatMap(([, cell = '']) => [...cell.matchAll(/`([a-z]+\.[a-z]+)`/g)])
      .map(([, event = '']) => event as UnsealedRecord['event']);
    expect(topics.length).toBeGreaterThan(15);
    for (const event of topics) expect([event, mayBeNotice(event)]).toEqual([event, true]);
    const server = await startNoticeServer();
    closing.push(() => server.close());
    const proxy = await start(server.url);
    const told = SECRETS.join(' ');
    for (const event of topics)
      proxy.parts.trail.note({
        ...{ event, account: 'main', client: 'default', msg: `${event}: <${told}>`, clientOrderId: [told] },
        ...{ level: 'warn', approval: { id: 'a', digest: told, asked: told } as never },
        detail: {
          ...{ why: told, state: told, code: told, origin: 'foreign', resolution: 'not-queryable' },
          ...{ upstream: 'spot', untilMs: Date.now() + 3_600_000, status: 418, asked: 7 },
        },
      });
    await expect.poll(() => server.taken.length, { timeout: 30_000 }).toBe(topics.length * KINDS.length);
    for (const event of topics)
      expect(server.taken.filter(({ body }) => body.includes(`${event}: `))).toHaveLength(KINDS.length);
    for (const { body, headers } of server.taken)
      for (const secret of SECRETS) {
        expect(body).not.toContain(secret);
        expect(headers.title ?? '').not.toContain(secret);
      }
    await expectNothingSecret(proxy, server.url);
  });
});
