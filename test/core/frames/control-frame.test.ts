import { describe, expect, it } from 'vitest';
import { readControl } from '../../../src/core/frames/control-frame.ts';

describe('a control frame', () => {
  it('A control frame keeps the texts of id and parameters', () => {
    expect(readControl('{"method":"SUBSCRIBE","params":["a", true],"id":"x"}')).toEqual({
      frame: { id: '"x"', method: 'SUBSCRIBE', params: ['"a"', 'true'] },
    });
    expect(readControl('{"method":"LIST_SUBSCRIPTIONS"}')).toMatchObject({
      frame: { id: 'null', params: [] },
    });
    expect(readControl('{"method":"A","params":null}')).toMatchObject({ frame: { params: [] } });
  });

  it.each([
    ['{}', 2],
    ['[]', 2],
    ['5', 2],
    ['{"method":1}', 2],
    ['{"id":1}', 2],
    ['{"method":"A","params":{}}', 2],
    ['{"method":"A","id":1.5}', 2],
    ['{"method":"A","id":[1]}', 2],
    ['{"method":"A","method":"B","id":1}', 2],
    ['x', 3],
    ['', 3],
    ['{"method":"A",}', 3],
  ])('The text %s is no control frame, by code %i of Binance’s', (text, code) => {
    expect(readControl(text)).toMatchObject({ error: { code } });
  });
});
