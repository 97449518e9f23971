import { randomBytes } from 'node:crypto';
import type { Client } from '../core/access/client.ts';
import { CallContext } from './call-context.ts';
import type { LiveConfig } from './live-config.ts';
import { stopping } from './refusals.ts';

export interface ArrivalDeps {
  readonly config: () => LiveConfig;
  readonly monotonicNow: () => number;
  readonly wallNow: () => number;
  /** True from SIGTERM on: what comes now is refused, what is under way is finished. */
  readonly isStopping: () => boolean;
}

/** Where every call begins. */
export interface Arrival {
  /** Gives a call its name, its time and the configuration that holds for it. */
  arrive(
    method: string,
    identify: (config: LiveConfig) => Client | undefined,
    detail?: Readonly<Record<string, string>>,
  ): CallContext;
  /** @throws ProxyError PROXY_NOT_READY while the proxy shuts down */
  assertServing(): void;
  nextRequestId(): string;
}

const ALPHABET = '0123456789abcdefghijklmnopqrstuv';

export function createArrival({ config, monotonicNow, wallNow, isStopping }: ArrivalDeps): Arrival {
  const makeId = createRequestIds();
  const nextRequestId = () => makeId(wallNow());
  return {
    nextRequestId,
    arrive(method, identify, detail) {
      const live = config();
      return new CallContext({
        requestId: nextRequestId(),
        arrivedMs: monotonicNow(),
        config: live,
        method,
        identified: identify(live),
        detail,
      });
    },
    assertServing() {
      if (isStopping()) throw stopping();
    },
  };
}

/** Names for calls, 20 characters of [0-9a-v]: a random part per process, then the time in ms, then a counter. */
function createRequestIds(): (nowMs: number) => string {
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
