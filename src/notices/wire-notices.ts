import type { AuditTrail } from '../audit/trail.ts';
import type { Settings } from '../config/schema/settings.ts';
import type { OwnAddresses } from '../upstream/connections/own-addresses.ts';
import { Notices } from './notices.ts';
import { postText } from './post-text.ts';

export interface NoticesDeps {
  readonly settings: () => Settings;
  readonly trail: Pick<AuditTrail, 'note' | 'hearing'>;
  /** Where no notice may end. */
  readonly own: OwnAddresses;
  /** Before the second try and those after it, in ms. */
  readonly pausesMs: readonly number[];
  /** How long one try may take, in ms. */
  readonly timeoutMs: number;
  readonly monotonicNow: () => number;
  readonly wallNow: () => number;
}

/** Lets operators be told of what the trail says from now on. */
export function wireNotices(deps: NoticesDeps): Notices {
  const { settings, trail, own, pausesMs, timeoutMs, monotonicNow, wallNow } = deps;
  const notices = new Notices({
    ...{ settings, pausesMs, monotonicNow, wallNow },
    post(message) {
      const { upstreamCa, egress } = settings();
      return postText(message, { ca: upstreamCa, own, way: egress.main, timeoutMs });
    },
    onGivenUp({ name, kind }, { event }, tries, why) {
      trail.note({ event: 'notice.failed', msg: why, detail: { notice: name, kind, about: event, tries } });
    },
  });
  trail.hearing(notices.hear);
  return notices;
}
