import { describe, expect, it } from 'vitest';
import { loadSettings } from '../../src/config/load-settings.ts';
import { ConfigError } from '../../src/config/problems/config-error.ts';
import { loosenings } from '../../src/config/reload/loosenings.ts';
import { startWarnings } from '../../src/proxy/start-warnings.ts';
import { folderWith } from '../support/fixtures/config-folder.ts';

const ENV = {
  BINANCE_API_KEY: 'k'.repeat(64),
  BINANCE_API_SECRET: 's'.repeat(64),
  BOT_CLIENT_KEY: 'b'.repeat(64),
  BINANCE_PROXY_ENVIRONMENT: 'simulator',
};

function load(approval: string | undefined, env: Readonly<Record<string, string>> = {}) {
  const entry = approval === undefined ? '' : `, approval: ${approval}`;
  const yaml = `clients: { bot: { account: main, envPrefix: BOT, permissions: [market-data, read, spot-margin-trade]${entry} } }\n`;
  return loadSettings({ cwd: folderWith({ 'config/proxy.yaml': yaml }), env: { ...ENV, ...env } });
}

function problemsOf(approval: string): string[] {
  try {
    load(approval);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ message }) => message);
    throw error;
  }
  return [];
}

describe('the rules of approvals', () => {
  it('What is not written has its default', () => {
    expect(load(undefined).clients.get('bot')?.approval).toBeUndefined();
    expect(load('{}').clients.get('bot')?.approval).toEqual({
      ...{ above: undefined, permissions: new Set(), symbols: new Set(), outsideBand: false, quorum: 1 },
      ...{ notBy: new Set(), holdMs: 0, decideMs: undefined, useMs: undefined, maxDrift: '0.01' },
    });
    const all =
      '{ above: { USDT: "1000", BTC: 1 }, permissions: [internal-transfer], symbols: [BTCUSDT], outsideBand: true, quorum: 2, notBy: [alice], holdMs: 8000, decideMs: 60000, useMs: 5000, maxDrift: 0.5% }';
    expect(load(all).clients.get('bot')?.approval).toMatchObject({
      ...{
        above: new Map([
          ['USDT', '1000'],
          ['BTC', '1'],
        ]),
        quorum: 2,
        holdMs: 8000,
        decideMs: 60_000,
        useMs: 5000,
      },
      maxDrift: '0.005',
    });
  });

  it.each([
    ['{ permissions: [convert] }', 'not convert: a quote lives seconds'],
    ['{ permissions: [read] }', 'what only reads is never asked for'],
    ['{ permissions: [withdraw] }', 'no configuration grants it'],
    ['{ above: { USDT: 0.5 } }', 'decimal number above zero'],
    ['{ above: { usdt: "5" } }', 'is not an asset'],
    ['{ quorum: 4 }', 'from 1 to 3'],
    ['{ holdMs: 30001 }', 'from 0 to 30000'],
    ['{ decideMs: 29999 }', 'from 30000 to 86400000'],
    ['{ useMs: 4999 }', 'from 5000 to 900000'],
    ['{ useMs: 900001 }', 'from 5000 to 900000'],
    ['{ maxDrift: 0.05% }', 'per cent from 0.1% to 20%'],
    ['{ maxDrift: 20.1% }', 'per cent from 0.1% to 20%'],
    ['{ maxDrift: 1 }', 'per cent from 0.1% to 20%'],
    ['{ maxdrift: 1% }', 'maxDrift'],
  ])('%s is a problem', (approval, sentence) => {
    expect(problemsOf(approval).join('\n')).toContain(sentence);
  });

  it.each(['0.1%', '0.15%', '1.25%', '19.99%', '20%'])('A drift of %s is none', (maxDrift) => {
    expect(problemsOf(`{ maxDrift: ${maxDrift} }`)).toEqual([]);
  });

  it('Who asks more operators than there are is told at the start', () => {
    expect(startWarnings(load('{ quorum: 2, notBy: [carol] }')).join('\n')).toMatch(
      /wait for the approval of 2 operators, and 0 could give it[\s\S]*notBy names carol/,
    );
    const operator = { BINANCE_PROXY_OPERATOR_TOKEN_SHA256: 'a'.repeat(64) };
    expect(startWarnings(load('{}', operator)).join('\n')).not.toContain('approval');
  });
});

describe('a reload', () => {
  const FULL =
    '{ above: { USDT: "1000" }, permissions: [internal-transfer], symbols: [BTCUSDT], quorum: 2, notBy: [alice], decideMs: 60000, useMs: 60000 }';
  const full = () => load(FULL);

  it.each<[string | undefined, string]>([
    [undefined, "would need nobody's approval any more"],
    [FULL.replace('"1000"', '"1001"'), 'approval.above'],
    [FULL.replace('above: { USDT: "1000" }, ', ''), 'approval.above'],
    [FULL.replace('USDT: "1000"', 'USDT: "1000", BTC: "1"'), 'approval.above'],
    [FULL.replace('[internal-transfer]', '[]'), 'approval.permissions'],
    [FULL.replace('[BTCUSDT]', '[ETHUSDT]'), 'approval.symbols'],
    [FULL.replace('quorum: 2', 'quorum: 1'), 'approval.quorum'],
    [FULL.replace('quorum: 2', 'quorum: 2, outsideBand: true'), 'approval.outsideBand'],
    [FULL.replace('[alice]', '[]'), 'approval.notBy'],
    [FULL.replace('decideMs: 60000', 'decideMs: 60001'), 'approval.decideMs'],
    [FULL.replace(', useMs: 60000', ''), 'approval.useMs'],
    [FULL.replace('quorum: 2', 'quorum: 2, maxDrift: 2%'), 'approval.maxDrift'],
  ])('%s takes a guard away', (approval, what) => {
    expect(loosenings(full(), load(approval)).join('\n')).toContain(what);
  });

  it.each([
    FULL,
    FULL.replace('"1000"', '"999"'),
    FULL.replace('[internal-transfer]', '[internal-transfer, universal-transfer]'),
    FULL.replace('quorum: 2', 'quorum: 3, maxDrift: 0.5%, holdMs: 1000'),
    FULL.replace('decideMs: 60000', 'decideMs: 30000'),
  ])('%s takes none away', (approval) => {
    expect(loosenings(full(), load(approval))).toEqual([]);
    expect(loosenings(load(undefined), load(approval))).toEqual([]);
  });
});
