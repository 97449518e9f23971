import { Agent } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { send } from '../../support/clients/http.ts';
import { ALICE } from '../../support/servers/running-simulator.ts';
import { BOT, OTHER, stageShared } from '../../support/servers/shared-stage.ts';

const PAIRS = ['BTCUSDT', 'ETHUSDT', 'BNBUSDT'];
const BOTS = 6;
const MINUTE_MS = 60_000;
type Row = readonly [openMs: number, ...rest: unknown[]];

const stage = stageShared('merge: true, klines: true');
let simulator: Simulator;
beforeEach(async () => {
  // A second after a close, which is when freqtrade asks.
  const nowMs = Date.now();
  simulator = await startSimulator({
    accounts: [ALICE],
    // A market whose steps come late on a busy machine would tell of a candle twice.
    marketStepMs: 0,
    clockOffsetMs: MINUTE_MS + 1_000 - (nowMs % MINUTE_MS),
  });
});
afterEach(() => simulator.close());

describe('six freqtrades at the close of a candle', () => {
  it('Six bots that ask for all pairs after a close cost the weight of one, and have the candles of Binance', async () => {
    const agents = Array.from({ length: BOTS }, () => new Agent({ keepAlive: true }));
    const target = (pair: string) => `/api/v3/klines?interval=1m&limit=1000&symbol=${pair}`;
    await stage.restart('merge: true, klines: true', {
      clockOffsetMs: simulator.exchange.nowMs() - Date.now(),
    });
    const key = (bot: number) => (bot % 2 === 0 ? BOT : OTHER);
    const asks = agents.flatMap((agent, bot) =>
      PAIRS.map((pair) =>
        send(stage.proxy.port, target(pair), { agent, headers: { 'x-mbx-apikey': key(bot) } }).then(
          (reply) => [pair, reply] as const,
        ),
      ),
    );
    await stage.joined(BOTS * PAIRS.length);
    expect(stage.waiting).toHaveLength(PAIRS.length);
    const told = new Map<string, string>();
    for (const { received, response } of stage.waiting) {
      const answer = await fetch(`${simulator.url}${received.target}`);
      const text = await answer.text();
      told.set(received.target, text);
      response.writeHead(200, { 'content-type': 'application/json' }).end(text);
    }
    const replies = await Promise.all(asks);
    const weights = replies.map(([, { headers }]) => Number(headers['x-proxy-weight']));
    expect(weights.reduce((sum, weight) => sum + weight, 0)).toBe(2 * PAIRS.length);
    for (const [pair, { text }] of replies) expect(text).toBe(told.get(target(pair)));
    for (const pair of PAIRS) {
      const direct = (await (await fetch(`${simulator.url}${target(pair)}`)).json()) as Row[];
      const rows = JSON.parse(told.get(target(pair)) ?? '') as Row[];
      expect(rows).toHaveLength(1_000);
      const closed = new Map(rows.slice(0, -1).map((row) => [row[0], row]));
      const both = direct.slice(0, -1).filter(([openMs]) => closed.has(openMs));
      expect(both.length).toBeGreaterThan(900);
      for (const row of both) expect(closed.get(row[0])).toEqual(row);
    }
    for (const agent of agents) agent.destroy();
  });
});
