import { describe, expect, it } from 'vitest';
import { loadSettings } from '../../../src/config/load-settings.ts';
import {
  ACCOUNT,
  type Files,
  folderWith,
  messagesOf,
  type Variables,
} from '../../support/fixtures/config-folder.ts';

function origins(env: Variables, files: Files = {}) {
  const settings = loadSettings({ env: { ...ACCOUNT, ...env }, cwd: folderWith(files) });
  return { spot: settings.upstreams.spot, further: settings.spotOrigins };
}

const LIST = {
  spot: 'https://api.binance.com',
  further: ['https://api-gcp.binance.com', 'https://api1.binance.com'],
};

describe('the origins of spot', () => {
  it('Spot has one origin unless more are configured', () => {
    expect(origins({})).toEqual({ spot: 'https://api.binance.com', further: [] });
    expect(origins({ BINANCE_PROXY_UPSTREAM_SPOT: 'https://x.test/' })).toEqual({
      spot: 'https://x.test',
      further: [],
    });
  });

  it('The origins of spot may be a list in the file, the preferred one first, each once', () => {
    const yaml =
      'upstreams:\n  spot: [https://api.binance.com, https://api-gcp.binance.com/, https://api1.binance.com, https://api.binance.com]\n';
    expect(origins({}, { 'config/proxy.yaml': yaml })).toEqual(LIST);
  });

  it('The origins of spot may be a list with commas in the variable, which wins over the file', () => {
    const variable = 'https://api.binance.com, https://api-gcp.binance.com,https://api1.binance.com';
    const files = { 'config/proxy.yaml': 'upstreams: { spot: https://y.test }\n' };
    expect(origins({ BINANCE_PROXY_UPSTREAM_SPOT: variable }, files)).toEqual(LIST);
  });

  it.each([
    ['upstreams: { spot: [] }', /^upstreams\.spot must be an origin such as https:\/\/host/],
    ['upstreams: { spot: [5] }', /^upstreams\.spot\[0\] must be an origin/],
    ['upstreams: { spot: [https://x.test, http://y.test] }', /^upstreams\.spot must begin with https/],
    ['upstreams: { usdm: [https://x.test] }', /^upstreams\.usdm must be an origin such as/],
  ])('The origins %s are a mistake', (yaml, message) => {
    expect(messagesOf(ACCOUNT, { 'config/proxy.yaml': `${yaml}\n` })).toEqual([
      expect.stringMatching(message),
    ]);
  });

  it('A wrong origin in the variable is a mistake that names the variable', () => {
    const env = { ...ACCOUNT, BINANCE_PROXY_UPSTREAM_SPOT: 'https://x.test,http://y.test' };
    expect(messagesOf(env)).toEqual([
      expect.stringMatching(/^BINANCE_PROXY_UPSTREAM_SPOT must begin with https/),
    ]);
  });
});
