import type { Client } from '../core/access/client.ts';
import type { Call } from '../core/call/call.ts';
import type { Endpoint } from '../core/catalogue/endpoint.ts';
import type { SentOrder } from '../core/records/sent-orders.ts';

/** A call that may be made if nobody has to say yes to it, or somebody has. */
export interface Asking {
  readonly requestId: string;
  readonly environment: string;
  readonly client: Client;
  readonly account: string;
  readonly endpoint: Endpoint;
  /** As it will be sent but for stamp and signature. */
  readonly call: Call;
  /** Its orders as its record names them. */
  readonly sentOrders: readonly SentOrder[];
  /** True when its price band would have refused it. */
  readonly isOutsideBand: boolean;
  /** Until when the caller can be kept waiting, monotonic ms. */
  readonly untilMs: number;
  /** Aborts when the caller is gone. */
  readonly gone: AbortSignal | undefined;
}
