import type { Settings } from '../config/schema/settings.ts';
import type { NoticeTarget } from '../config/schema/watching/notice-target.ts';
import { DeliveryQueue, type DeliveryState, type TryEnd } from './delivery-queue.ts';
import type { Notice } from './notice.ts';
import { messageFor } from './notice-message.ts';
import { mayBeNotice, noticeOf, type TrailLine } from './notice-table.ts';
import type { PostedText } from './post-text.ts';

export interface NoticesOptions {
  readonly settings: () => Pick<Settings, 'notices' | 'operator'>;
  /** Sends once; undefined when it was taken, else why not. */
  readonly post: (message: PostedText) => Promise<TryEnd>;
  readonly onGivenUp: (target: NoticeTarget, notice: Notice, tries: number, why: string) => void;
  readonly pausesMs: readonly number[];
  readonly monotonicNow: () => number;
  readonly wallNow: () => number;
}

/** How a target is doing. */
export interface NoticeState extends DeliveryState {
  readonly name: string;
  readonly kind: NoticeTarget['kind'];
}

/** What came of a notice that an operator asked for. */
export interface NoticeTrial {
  readonly name: string;
  readonly kind: NoticeTarget['kind'];
  readonly sent: boolean;
  readonly why?: string;
}

/** At the end of the process, for what waits then. */
const LAST_MS = 2_000;

/** Tells operators of what the trail says. Nothing waits for it, and nothing fails by it. */
export class Notices {
  readonly #options: NoticesOptions;
  readonly #queues = new Map<string, DeliveryQueue>();

  constructor(options: NoticesOptions) {
    this.#options = options;
  }

  /** Hears of each record; `line` is its text as the log has it. Never throws. */
  readonly hear = (event: string, line: string): void => {
    if (!mayBeNotice(event)) return;
    const { notices } = this.#options.settings();
    if (notices.size === 0) return;
    const notice = noticeOf(JSON.parse(line) as TrailLine);
    if (notice !== undefined) for (const name of notices.keys()) this.#queueOf(name).offer(notice);
  };

  get state(): readonly NoticeState[] {
    return Array.from(this.#options.settings().notices.values(), ({ name, kind }) => ({
      name,
      kind,
      ...this.#queueOf(name).state,
    }));
  }

  /** Tells every target that this is a test, and waits for what comes of it. */
  async test(operator: string): Promise<readonly NoticeTrial[]> {
    const notice: Notice = {
      event: 'notices.test',
      severity: 'info',
      title: 'A test of notices',
      text: `The operator ${operator} asked for it; nothing has happened.`,
      time: new Date(this.#options.wallNow()).toISOString(),
    };
    const targets = [...this.#options.settings().notices.values()];
    return Promise.all(
      targets.map(async ({ name, kind }) => {
        const why = await this.#queueOf(name).trial(notice);
        return { name, kind, sent: why === undefined, ...(why === undefined ? {} : { why }) };
      }),
    );
  }

  /** What was taken away is told no more. */
  reloaded(): void {
    const { notices } = this.#options.settings();
    for (const [name, queue] of this.#queues) {
      if (notices.has(name)) continue;
      this.#queues.delete(name);
      queue.clear();
    }
  }

  /** Sends what waits, for a moment at most. */
  async close(): Promise<void> {
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, LAST_MS);
    await Promise.race([Promise.all([...this.#queues.values()].map((queue) => queue.end())), late.promise]);
    clearTimeout(timer);
  }

  #queueOf(name: string): DeliveryQueue {
    const known = this.#queues.get(name);
    if (known !== undefined) return known;
    const { pausesMs, monotonicNow, onGivenUp } = this.#options;
    const target = () => this.#options.settings().notices.get(name);
    const queue = new DeliveryQueue({
      pausesMs,
      monotonicNow,
      send: async (notice, count, dropped) => {
        const present = target();
        if (present === undefined) return undefined;
        const { wallNow, settings, post } = this.#options;
        const occasion = { count, dropped, page: settings().operator.origin, nowMs: wallNow() };
        return post(messageFor(present, notice, occasion));
      },
      onGivenUp: (notice, tries, why) => {
        const present = target();
        if (present !== undefined) onGivenUp(present, notice, tries, why);
      },
    });
    this.#queues.set(name, queue);
    return queue;
  }
}
