import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { runToEnd } from '../../support/processes/child.ts';
import {
  arrivedAt,
  DEAD_HTTP_PROXY,
  expectFaithful,
  MODES,
  openStage,
  type Stage,
} from '../../support/processes/library-scenario.ts';

/** Debian's own, for which `python3-websocket` and `python3-requests` are installed. */
const PYTHON = '/usr/bin/python3';
const APP = fileURLToPath(new URL('../../support/processes/raw-app.py', import.meta.url));
const isThere = spawnSync(PYTHON, ['-c', 'import requests, websocket']).status === 0;
if (!isThere)
  process.stdout.write(
    `${PYTHON} has not both python3-websocket and python3-requests: the raw Python program is left out.\n`,
  );

let stage: Stage;
afterEach(() => stage.close());

describe.skipIf(!isThere)('a Python program with requests and websocket-client', () => {
  it.each(MODES)(
    'A raw Python program trades over REST and sockets, and hears its fills, with %s',
    async (mode) => {
      stage = await openStage(mode);
      const env = {
        ...DEAD_HTTP_PROXY,
        ...{
          APP_HTTP: stage.baseUrl,
          APP_SOCKETS: stage.wsUrl,
          APP_KEY: stage.key,
          APP_SECRET: stage.secret,
        },
      };
      const { code, stdout, stderr } = await runToEnd([APP], { cwd: '/', env, command: PYTHON });
      expect([code, stderr]).toEqual([0, '']);
      expect(JSON.parse(stdout)).toEqual({
        time: 200,
        account: 'SPOT',
        order: 'NEW',
        cancel: 'CANCELED',
        'usdm order': 'NEW',
        'usdm cancel': 'CANCELED',
        withdrawal: -1002,
        'other secret': mode === 'an issued key pair' ? -1022 : null,
        // An Origin opens the socket; what it may do has to be shown by a key, where there is one.
        'ws unproven': mode === 'an issued key pair' ? 401 : 200,
        'ws time': 200,
        'ws account': 200,
        'ws order': 'NEW',
        'ws cancel': 'CANCELED',
        'ws subscribe': 200,
        'ws subscribed': null,
        'ws market order': 'FILLED',
        'ws fill': 'executionReport',
        'ws trade': 'trade',
        'ws combined': expect.stringMatching(/^btcusdt@(?:trade|bookTicker)$/),
        'ws joined': 'aggTrade',
        'usdm market order': 'FILLED',
        'usdm fill': 'ORDER_TRADE_UPDATE',
        'foreign origin': 403,
      });
      expect(stage.sent()).toContain(`Origin: ${stage.baseUrl}`);
      expect(arrivedAt(stage, 'POST', '/sapi/v1/capital/withdraw/apply')).toEqual([]);
      expectFaithful(stage);
    },
  );
});
