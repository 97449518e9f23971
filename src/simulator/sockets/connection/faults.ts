/** Which connections and frames a fault hits. A missing member matches everything. */
interface SocketFaultMatch {
  /** The path of the connection, without the query. */
  readonly path?: string;
  /** The method of the frame, without a version prefix. */
  readonly method?: string;
}

interface FaultBase {
  /** A fault of the handshake is matched by its path alone. */
  readonly match: SocketFaultMatch;
  /** How often it happens; 1. */
  readonly times?: number;
}

interface RefuseUpgradeFault extends FaultBase {
  readonly kind: 'refuse-upgrade';
  /** 429. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

interface CloseFault extends FaultBase {
  readonly kind: 'close-at-accept' | 'close-unexecuted' | 'close-executed';
  /** Close code. Without one the connection is terminated without a close frame. */
  readonly code?: number;
  readonly reason?: string;
}

interface StallFrameFault extends FaultBase {
  readonly kind: 'stall';
  /** True: the request is carried out, only its answer never comes. */
  readonly execute?: boolean;
}

interface DelayFrameFault extends FaultBase {
  readonly kind: 'delay';
  readonly ms: number;
}

interface GarbageFault extends FaultBase {
  readonly kind: 'garbage';
  /** What is sent before the answer; half of a JSON object by default. */
  readonly text?: string;
  /** True: it is sent in place of the answer. */
  readonly instead?: boolean;
}

interface ErrorAnswerFault extends FaultBase {
  readonly kind: 'error';
  readonly status: number;
  readonly code: number;
  readonly message: string;
  readonly data?: Readonly<Record<string, number | string>>;
}

/**
 * A failure of one of the next connections or frames of a signed API.
 * - `refuse-upgrade`: the handshake is answered with an HTTP error
 * - `close-at-accept`: the handshake succeeds and the connection ends at once
 * - `close-unexecuted`, `close-executed`: the connection ends when a frame has arrived, before or after it was
 *   carried out, and before any answer
 * - `stall`: the connection stays open and the answer never comes
 * - `delay`: carried out, answered `ms` later
 * - `garbage`: carried out; a text that is no answer is sent ahead of the answer, or in its place
 * - `error`: answered with the error, not carried out
 */
export type SocketFault =
  | RefuseUpgradeFault
  | CloseFault
  | StallFrameFault
  | DelayFrameFault
  | GarbageFault
  | ErrorAnswerFault;

/** What can happen before there is any frame. */
export type AcceptFault = RefuseUpgradeFault | (CloseFault & { readonly kind: 'close-at-accept' });
/** What can happen to a frame. */
export type FrameFault = Exclude<SocketFault, AcceptFault>;

/** The faults that are still to happen, in the order in which they were injected. */
export class SocketFaults {
  #pending: { readonly fault: SocketFault; left: number }[] = [];

  inject(fault: SocketFault): void {
    this.#pending.push({ fault, left: fault.times ?? 1 });
  }

  /** The first fault that hits a handshake; it is used up by one. */
  takeAtAccept(path: string): AcceptFault | undefined {
    return this.#take((fault) => isAtAccept(fault) && (fault.match.path ?? path) === path) as
      | AcceptFault
      | undefined;
  }

  /** The first fault that hits a frame; it is used up by one. */
  takeForFrame(path: string, method: string | undefined): FrameFault | undefined {
    return this.#take(
      (fault) =>
        !isAtAccept(fault) &&
        (fault.match.path ?? path) === path &&
        (fault.match.method ?? method) === method,
    ) as FrameFault | undefined;
  }

  clear(): void {
    this.#pending = [];
  }

  #take(hits: (fault: SocketFault) => boolean): SocketFault | undefined {
    const hit = this.#pending.find(({ fault }) => hits(fault));
    if (hit === undefined) return undefined;
    hit.left--;
    if (hit.left <= 0) this.#pending = this.#pending.filter((entry) => entry !== hit);
    return hit.fault;
  }
}

function isAtAccept({ kind }: SocketFault): boolean {
  return kind === 'refuse-upgrade' || kind === 'close-at-accept';
}
