import { describe, expect, it } from 'vitest';
import { buildCatalogue, type CatalogueFile } from '../../../src/core/catalogue/catalogue.ts';
import type { UpstreamName } from '../../../src/core/upstream.ts';

function file(upstream: UpstreamName, methods: Readonly<Record<string, string>>): CatalogueFile {
  const endpoints = Object.entries(methods).map(([path, webSocket]) => ({
    ...({ method: 'GET', security: 'NONE', securityType: 'NONE', permission: 'market-data', ip: 1 } as const),
    path,
    webSocket,
  }));
  return { product: upstream, upstream, endpoints };
}

describe('the methods of the WebSocket API in the catalogue', () => {
  it('may have the same name in two families', () => {
    const files = [file('spot', { '/api/v3/depth': 'depth' }), file('usdm', { '/fapi/v1/depth': 'depth' })];
    expect(buildCatalogue(files).endpoints.map(({ webSocket }) => webSocket)).toEqual(['depth', 'depth']);
  });

  it('may weigh something else than the endpoint that they follow', () => {
    const given = file('coinm', { '/dapi/v1/balance': 'account.balance' });
    const endpoints = given.endpoints.map((each) => ({ ...each, webSocketIp: 5 }));
    const [endpoint] = buildCatalogue([{ ...given, endpoints }]).endpoints;
    expect(endpoint).toMatchObject({ weights: [{ max: 1 }], webSocketWeights: [{ scope: 'IP', max: 5 }] });
    const nameless = { ...given, endpoints: endpoints.map(({ webSocket: _, ...each }) => each) };
    expect(() => buildCatalogue([nameless])).toThrow('weighs a WebSocket method and names none');
  });

  it.each([
    [
      'stand once in each family',
      file('spot', { '/api/v3/a': 'time', '/api/v3/b': 'time' }),
      'spot GET /api/v3/b: the WebSocket method time stands twice',
    ],
    [
      'have names that a frame can say',
      file('spot', { '/api/v3/a': 'time ' }),
      'spot GET /api/v3/a: the name of its WebSocket method is not canonical',
    ],
    [
      'belong to an upstream that has such an API',
      file('options', { '/eapi/v1/depth': 'depth' }),
      'options GET /eapi/v1/depth: names a WebSocket method and its upstream has no WebSocket API',
    ],
  ])('%s', (_, given, problem) => {
    expect(() => buildCatalogue([given])).toThrow(problem);
  });
});
