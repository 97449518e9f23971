import { describe, expect, it } from 'vitest';
import { loadCatalogue } from '../../../src/config/load-catalogue.ts';
import { isHeldToLeverage } from '../../../src/core/access/leverage.ts';
import type { Endpoint } from '../../../src/core/catalogue/endpoint.ts';
import { DEFAULT_PERMISSIONS, NEVER_GRANTED } from '../../../src/core/catalogue/permission.ts';
import { changesNothing } from '../../../src/core/outcome/outcome-tables.ts';

const { endpoints } = loadCatalogue();
const nameOf = ({ method, path }: Endpoint): string => `${method} ${path}`;
const namesWhere = (holds: (endpoint: Endpoint) => boolean): readonly string[] =>
  endpoints.filter(holds).map(nameOf).sort();

/**
 * Changing calls that Binance documents with a mandatory symbol, pair or underlying, or a list of them, by the words of
 * their paths. Orders have theirs in their shape.
 */
const ABOUT_ONE_SYMBOL =
  /leverage$|marginType|positionMargin|countdown|mmp(?:Set|Reset)|isolated\/account|autoAddMargin|move-position|riskLimit/i;
/** It has `leverage` in its path and holds for the whole cross margin account. */
const ABOUT_THE_ACCOUNT = '/sapi/v1/margin/max-leverage';
const LISTEN_KEY = /(?:listenKey|listen-key|userListenToken)$/;

describe('what the rows of the catalogue touch', () => {
  it('No call that changes something is without a word about what it touches', () => {
    const silent = namesWhere(
      ({ method, path, touches }) => !changesNothing(method, path) && touches === undefined,
    );
    expect(silent).toEqual([]);
  });

  it('A GET touches something only where it changes something', () => {
    expect(namesWhere(({ method, touches }) => method === 'GET' && touches !== undefined)).toEqual([
      'GET /sapi/v1/soft-staking/set',
    ]);
  });

  it('Every call about one symbol, pair or underlying is marked as one', () => {
    const about = namesWhere(
      ({ method, path, effect }) =>
        method !== 'GET' &&
        ABOUT_ONE_SYMBOL.test(path) &&
        path !== ABOUT_THE_ACCOUNT &&
        effect !== 'place' &&
        effect !== 'amend',
    );
    expect(about).toEqual(namesWhere(({ touches }) => touches === 'symbol'));
    expect(about).toEqual([
      'DELETE /sapi/v1/margin/isolated/account',
      'POST /dapi/v1/countdownCancelAll',
      'POST /dapi/v1/leverage',
      'POST /dapi/v1/marginType',
      'POST /dapi/v1/positionMargin',
      'POST /eapi/v1/countdownCancelAll',
      'POST /eapi/v1/countdownCancelAllHeartBeat',
      'POST /eapi/v1/mmpReset',
      'POST /eapi/v1/mmpSet',
      'POST /fapi/v1/countdownCancelAll',
      'POST /fapi/v1/leverage',
      'POST /fapi/v1/marginType',
      'POST /fapi/v1/positionMargin',
      'POST /papi/v1/cm/leverage',
      'POST /papi/v1/um/leverage',
      'POST /sapi/v1/margin/isolated/account',
      'POST /sapi/v1/sub-account/futures/move-position',
    ]);
  });

  it('What has an effect on orders touches orders, but for countdowns', () => {
    const others = namesWhere(({ effect, touches }) => (effect !== 'none') !== (touches === 'orders'));
    expect(others).toEqual(namesWhere(({ method, path }) => method === 'POST' && /countdown/.test(path)));
  });

  it('Nothing that matters is changed by listen keys, test orders, quotes and reads by POST only', () => {
    const nothing = endpoints.filter(({ touches }) => touches === 'nothing');
    const others = nothing.filter(({ path }) => !LISTEN_KEY.test(path) && !/\/order\/test$/.test(path));
    expect(others.map(nameOf).sort()).toEqual([
      'POST /fapi/v1/convert/getQuote',
      'POST /sapi/v1/asset/dust-btc',
      'POST /sapi/v1/asset/dust-convert/query-convertible-assets',
      'POST /sapi/v1/asset/get-funding-asset',
      'POST /sapi/v1/convert/getQuote',
      'POST /sapi/v1/w3w/wallet/prediction/trade/get-quote',
      'POST /sapi/v3/asset/getUserAsset',
    ]);
  });

  it('No default permission of a client of the file changes anything of the whole account', () => {
    const granted = namesWhere(
      ({ permission, touches }) => touches === 'account' && DEFAULT_PERMISSIONS.includes(permission),
    );
    expect(granted).toEqual([]);
  });

  it('The permission account-settings is that of the modes, fee switches and margin calls', () => {
    const settings = endpoints.filter(({ permission }) => permission === 'account-settings');
    expect(new Set(settings.map(({ touches }) => touches))).toEqual(new Set(['account']));
    expect(settings.map(nameOf).sort()).toEqual([
      'DELETE /sapi/v1/portfolio/margin-call-level',
      'POST /dapi/v1/positionSide/dual',
      'POST /fapi/v1/feeBurn',
      'POST /fapi/v1/multiAssetsMargin',
      'POST /fapi/v1/positionSide/dual',
      'POST /papi/v1/cm/positionSide/dual',
      'POST /papi/v1/um/feeBurn',
      'POST /papi/v1/um/positionSide/dual',
      'POST /papi/v1/unimmr/notification',
      'POST /sapi/v1/bnbBurn',
      'POST /sapi/v1/portfolio/delta-mode',
      'POST /sapi/v1/portfolio/margin-call-level',
    ]);
  });

  it('Every call that sets leverage is held to the largest one', () => {
    const rules = { maxLeverage: 5 };
    const setting = namesWhere(({ method, path }) => method !== 'GET' && /leverage/i.test(path));
    expect(namesWhere((endpoint) => isHeldToLeverage(rules, endpoint))).toEqual(setting);
    expect(setting).toHaveLength(5);
  });

  it('No frame touches a symbol or the account: what frames can do is orders, listen keys and reads', () => {
    const byFrame = namesWhere(
      ({ webSocket, touches }) => webSocket !== undefined && (touches === 'symbol' || touches === 'account'),
    );
    expect(byFrame).toEqual([]);
  });

  it('What nobody may be granted touches the account', () => {
    for (const { permission, method, touches } of endpoints) {
      if (NEVER_GRANTED.includes(permission) && method !== 'GET') expect(touches).toBe('account');
    }
  });
});
