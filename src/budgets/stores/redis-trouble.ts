import type { Redis } from 'ioredis';

const URL_VARIABLE = 'BINANCE_PROXY_REDIS_URL';

/** Said as long as no connection stood yet and none was refused. */
export const NOT_YET = 'Redis is not connected yet';

const TOO_SLOW = 'Redis did not answer within';

/** Redis may answer all the same, only later. */
export function tooSlow(timeoutMs: number): Error {
  return new Error(`${TOO_SLOW} ${timeoutMs} ms`);
}

/** Whether nothing but a little time may be missing: no connection was refused yet. */
export function mayPass(error: unknown): boolean {
  const said = redisTrouble(error);
  return said === NOT_YET || said.startsWith(TOO_SLOW);
}

/** The first line of an answer that refuses. */
const REFUSAL = /^-([A-Z]+ [^\r\n]{0,300})/;

/**
 * Tells why there is no connection, and undefined once there is one. A Redis that refuses and hangs up in one go does it
 * before the client knows: its words are read as they arrive.
 */
export function watchTrouble(redis: Redis, tell: (trouble: Error | undefined) => void): void {
  redis.on('connect', () => {
    redis.stream.once('data', (bytes: Buffer) => {
      const [, refusal] = REFUSAL.exec(bytes.toString('latin1')) ?? [];
      if (refusal !== undefined) tell(new Error(refusal));
    });
  });
  // Without a listener the emitter would throw.
  redis.on('error', tell);
  redis.on('ready', () => tell(undefined));
}

/** Why Redis cannot be used, in words that say what to do, without a full stop; never a text with the password. */
export function redisTrouble(error: unknown): string {
  const { code, message = '' } = error as NodeJS.ErrnoException;
  if (code !== undefined) return unreachable(code);
  const [word = ''] = message.split(' ', 1);
  switch (word.replace(/^-/, '')) {
    case 'NOAUTH':
      return `Redis asks for a password (NOAUTH): put it into ${URL_VARIABLE}, as in redis://:password@host:6379`;
    case 'WRONGPASS':
      return `Redis does not know this user and password (WRONGPASS): correct ${URL_VARIABLE}`;
    case 'DENIED':
      return `Redis runs in protected mode and takes calls of its own machine only (DENIED): give it a password, and put that into ${URL_VARIABLE}`;
    case 'NOPERM':
      return 'The user of Redis may not do this (NOPERM): allow it scripts on the keys bsp:*';
    case 'READONLY':
      return `This Redis is a read-only replica (READONLY): set ${URL_VARIABLE} to the primary`;
    default:
      return message.slice(0, 200);
  }
}

function unreachable(code: string): string {
  switch (code) {
    case 'ECONNREFUSED':
      return `Nobody accepts connections at the address of Redis (${code}): start it, or correct ${URL_VARIABLE}`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `The name of Redis cannot be resolved (${code}): correct ${URL_VARIABLE}`;
    default:
      return `Redis is not reached (${code}): look at it and at the network, and at ${URL_VARIABLE}`;
  }
}
