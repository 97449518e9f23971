/** Which requests a fault hits. A missing member matches everything. */
interface FaultMatch {
  readonly method?: string;
  /** The path without the query. */
  readonly path?: string;
}

interface FaultBase {
  readonly match: FaultMatch;
  /** How many matching requests are hit; 1. */
  readonly times?: number;
}

interface StatusFault extends FaultBase {
  readonly kind: 'status';
  readonly status: number;
  readonly body?: string;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

interface DelayFault extends FaultBase {
  readonly kind: 'delay';
  readonly ms: number;
}

interface StallFault extends FaultBase {
  readonly kind: 'stall';
  /** True: the request is carried out, only its answer never comes. */
  readonly execute?: boolean;
}

interface RedirectFault extends FaultBase {
  readonly kind: 'redirect';
  readonly location: string;
  /** 301. */
  readonly status?: number;
}

interface PlainFault extends FaultBase {
  readonly kind:
    | 'drop-before-read'
    | 'drop-after-read'
    | 'execute-then-drop'
    | 'truncate-body'
    | 'stale-timestamp';
}

/**
 * A failure of one of the next requests.
 * - `status`, `redirect`, `stale-timestamp` (-1021 whatever the stamp): answered so, not carried out
 * - `drop-before-read`, `drop-after-read`: the socket is destroyed, nothing is carried out
 * - `execute-then-drop`: carried out, then the socket is destroyed
 * - `delay`: carried out, answered `ms` later
 * - `stall`: the connection stays open and no header ever comes
 * - `truncate-body`: carried out; the socket is destroyed in the middle of the body
 */
export type Fault = StatusFault | DelayFault | StallFault | RedirectFault | PlainFault;

/** The faults that are still to happen, in the order in which they were injected. */
export class Faults {
  #pending: { readonly fault: Fault; left: number }[] = [];

  inject(fault: Fault): void {
    this.#pending.push({ fault, left: fault.times ?? 1 });
  }

  /** The first fault that hits the request; it is used up by one. */
  take(method: string, path: string): Fault | undefined {
    const hit = this.#pending.find(
      ({ fault: { match } }) => (match.method ?? method) === method && (match.path ?? path) === path,
    );
    if (hit === undefined) return undefined;
    hit.left--;
    if (hit.left <= 0) this.#pending = this.#pending.filter((entry) => entry !== hit);
    return hit.fault;
  }

  clear(): void {
    this.#pending = [];
  }
}
