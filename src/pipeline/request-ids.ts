import { randomBytes } from 'node:crypto';

const ALPHABET = '0123456789abcdefghijklmnopqrstuv';

/** Names for calls, 20 characters of [0-9a-v]: a random part per process, then the time in ms, then a counter. */
export function createRequestIds(): (nowMs: number) => string {
  const prefix = Array.from(randomBytes(7), (byte) => ALPHABET[byte & 31]).join('');
  let counter = 0;
  return (nowMs) => {
    counter = (counter + 1) % 2 ** 20;
    return (
      prefix +
      Math.floor(nowMs).toString(32).padStart(9, '0').slice(-9) +
      counter.toString(32).padStart(4, '0')
    );
  };
}
