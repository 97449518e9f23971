import { buildConnector, Dispatcher, Pool } from 'undici';
import { expect, it } from 'vitest';
import * as parts from '../../../src/upstream/connections/undici.ts';

it('The files of undici give what its index exports by that name', () => {
  const { buildConnector: connector, Dispatcher: dispatcher, Pool: pool, ...more } = parts;
  expect(
    [connector, dispatcher, pool].map((part, at) => part === [buildConnector, Dispatcher, Pool][at]),
  ).toEqual([true, true, true]);
  expect(more).toEqual({});
});
