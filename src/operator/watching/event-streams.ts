import type { ServerResponse } from 'node:http';
import { SECOND_MS } from '../../core/intervals.ts';
import { OperatorError } from '../access/operator-error.ts';
import type { RecordFeed } from './record-feed.ts';

const MOST_VIEWERS = 8;
const HEARTBEAT_MS = 15 * SECOND_MS;
/** Records of so long go out together. */
const GATHER_MS = 200;
const MOST_GATHERED = 500;
/** A viewer with so many bytes unread misses what comes meanwhile. */
const MOST_UNREAD_BYTES = 1_048_576;
const RETRY_MS = 2_000;

interface Viewer {
  readonly response: ServerResponse;
  /** Whether its operator may still look. */
  readonly mayStay: () => boolean;
  missed: number;
}

/**
 * Streams of server-sent events. Records are handed to all viewers as the lines that they are, several in one event, and
 * nothing waits for a viewer: one that is slow misses records and is told how many. Without a viewer nothing is done.
 */
export class EventStreams {
  readonly #feed: RecordFeed;
  readonly #viewers = new Set<Viewer>();
  #gathered: string[] = [];
  #left = 0;
  #missed = 0;
  #flushTimer: NodeJS.Timeout | undefined;
  #heartbeat: NodeJS.Timeout | undefined;

  constructor(feed: RecordFeed) {
    this.#feed = feed;
  }

  get viewers(): number {
    return this.#viewers.size;
  }

  /** How many records viewers did not get, since the start. */
  get missed(): number {
    return this.#missed;
  }

  /** @throws OperatorError when there are too many viewers */
  assertRoom(): void {
    if (this.#viewers.size >= MOST_VIEWERS)
      throw new OperatorError(503, `${MOST_VIEWERS} streams are open, which is the most there may be.`, 5);
  }

  /** Begins a stream on an answer whose headers are written. */
  add(response: ServerResponse, mayStay: () => boolean): void {
    const viewer: Viewer = { response, mayStay, missed: 0 };
    this.#viewers.add(viewer);
    response.on('close', () => this.#remove(viewer));
    response.on('error', () => this.#remove(viewer));
    response.write(`retry: ${RETRY_MS}\n\n`);
    this.#heartbeat ??= setInterval(() => this.#beat(), HEARTBEAT_MS);
    this.#feed.listen((line) => this.#gather(line));
  }

  /** Ends all streams, so that the listener can close. */
  close(): void {
    for (const viewer of this.#viewers) this.#end(viewer);
  }

  #gather(line: string): void {
    if (this.#gathered.length < MOST_GATHERED) this.#gathered.push(line);
    else this.#left++;
    this.#flushTimer ??= setTimeout(() => this.#flush(), GATHER_MS);
  }

  #flush(): void {
    this.#flushTimer = undefined;
    const gathered = this.#gathered;
    const left = this.#left;
    this.#gathered = [];
    this.#left = 0;
    // Made into bytes once for all of them.
    const event = Buffer.from(`event: records\ndata: [${gathered.join(',')}]\n\n`);
    for (const viewer of this.#viewers) {
      viewer.missed += left;
      this.#missed += left;
      if (!viewer.mayStay()) this.#end(viewer);
      else if (viewer.response.writableLength > MOST_UNREAD_BYTES) {
        viewer.missed += gathered.length;
        this.#missed += gathered.length;
      } else {
        viewer.response.write(event);
        tellMissed(viewer);
      }
    }
  }

  #beat(): void {
    for (const viewer of this.#viewers) {
      if (viewer.mayStay()) viewer.response.write(`: still here\n\n`);
      else this.#end(viewer);
    }
  }

  #end(viewer: Viewer): void {
    this.#remove(viewer);
    viewer.response.end();
  }

  #remove(viewer: Viewer): void {
    this.#viewers.delete(viewer);
    if (this.#viewers.size > 0) return;
    this.#feed.listen(undefined);
    clearInterval(this.#heartbeat);
    clearTimeout(this.#flushTimer);
    this.#heartbeat = undefined;
    this.#flushTimer = undefined;
    this.#gathered = [];
  }
}

/** Tells a viewer once how many records it did not get. */
function tellMissed(viewer: Viewer): void {
  if (viewer.missed === 0) return;
  viewer.response.write(`event: missed\ndata: ${viewer.missed}\n\n`);
  viewer.missed = 0;
}
