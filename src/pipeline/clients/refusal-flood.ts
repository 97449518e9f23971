import { ANONYMOUS } from '../../core/access/client.ts';
import type { ProxyError, ProxyErrorName } from '../../core/errors.ts';
import { MINUTE_MS, SECOND_MS } from '../../core/intervals.ts';
import type { UnsealedRecord } from '../../core/records/record.ts';

/** So many refusals of callers whom nobody knows are written in a second; the others are counted. */
const WRITTEN_PER_SECOND = 10;

/** What nobody is known by: its Host, its being a browser, its key. */
const OF_NOBODY: ReadonlySet<ProxyErrorName> = new Set([
  'PROXY_UNKNOWN_HOST',
  'PROXY_BROWSER_REFUSED',
  'PROXY_UNKNOWN_CLIENT',
]);
/** What any program without a key can have as often as it likes. */
const OF_ANONYMOUS: ReadonlySet<ProxyErrorName> = new Set([
  'PROXY_PERMISSION_DENIED',
  'PROXY_STOPPED',
  'PROXY_MALFORMED_REQUEST',
  'PROXY_CLIENT_RATE_LIMITED',
  'PROXY_WEIGHT_EXHAUSTED',
  'PROXY_UPSTREAM_FROZEN',
  'PROXY_UPSTREAM_UNREACHABLE',
]);

export interface RefusalFloodOptions {
  readonly monotonicNow: () => number;
  readonly note: (record: UnsealedRecord) => void;
}

/** Keeps refusals of callers whom nobody knows from filling the trail: beyond some a second they are counted alone. */
export class RefusalFlood {
  readonly #options: RefusalFloodOptions;
  readonly #counts = new Map<ProxyErrorName, number>();
  #second = -1;
  #written = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RefusalFloodOptions) {
    this.#options = options;
  }

  /**
   * True when a refusal gets a record of its own; otherwise it is counted.
   * @param client who was refused, as far as it is known
   */
  admits(error: ProxyError, client: string | undefined): boolean {
    if (!isFloodable(error, client)) return true;
    const second = Math.floor(this.#options.monotonicNow() / SECOND_MS);
    if (second !== this.#second) this.#written = 0;
    this.#second = second;
    if (this.#written < WRITTEN_PER_SECOND) {
      this.#written++;
      return true;
    }
    this.#counts.set(error.name, (this.#counts.get(error.name) ?? 0) + 1);
    this.#timer ??= setTimeout(() => this.tell(), MINUTE_MS).unref();
    return false;
  }

  /** Writes the summary of what was counted since the last one. */
  tell(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#counts.size === 0) return;
    const detail = Object.fromEntries(this.#counts);
    this.#counts.clear();
    this.#options.note({ event: 'refusals.summary', detail });
  }
}

function isFloodable({ name }: ProxyError, client: string | undefined): boolean {
  return OF_NOBODY.has(name) || ((client === undefined || client === ANONYMOUS) && OF_ANONYMOUS.has(name));
}
