import type { Endpoint } from '../core/catalogue/endpoint.ts';
import type { Stops } from '../stops/stops.ts';
import type { ServerClock } from '../upstream/server-clock.ts';
import type { Carrier, Seal } from './carrier.ts';
import { type Answer, readAnswer } from './read-answer.ts';
import type { CallRecorder } from './recorder.ts';
import { noServerTime } from './refusals.ts';
import type { ReservedCall } from './reserve.ts';

export interface AttemptDeps {
  readonly clock: Pick<ServerClock, 'now'>;
  /** Measures the clock anew. */
  readonly resync: () => Promise<void>;
  readonly recorder: Pick<CallRecorder, 'signed' | 'signedAtOnce'>;
  readonly stops: Pick<Stops, 'assertAllowed'>;
  readonly monotonicNow: () => number;
}

/**
 * Stamps and signs, records, sends, and waits for the end. What is certain not to have been executed may go once more: a
 * GET on a dead connection, any call on a connection that died before a byte was written, and whatever Binance refused
 * for its timestamp, with a newly measured clock. Each sending is charged and recorded by itself.
 */
export type Attempt = (reserved: ReservedCall, carrier: Carrier) => Promise<Answer>;

export function createAttempt({ clock, resync, recorder, stops, monotonicNow }: AttemptDeps): Attempt {
  function sealFor({ judged, recvWindow }: ReservedCall): Seal {
    const { endpoint, account, credential } = judged;
    // A listen token that nobody here knows goes without a key: it names its account itself.
    const isBare = endpoint.security === 'NONE' || (endpoint.security === 'APIKEY' && account === undefined);
    if (isBare) return { credential: undefined, stamp: undefined };
    if (credential === undefined) throw new Error('a client without its account');
    if (endpoint.security === 'APIKEY') return { credential, stamp: undefined };
    const timestampMs = clock.now();
    if (timestampMs === undefined) throw noServerTime();
    return { credential, stamp: { timestampMs, recvWindow } };
  }

  /** Runs to the sending without a turn of the event loop where the carrier records at once. */
  async function sendOnce(reserved: ReservedCall, carrier: Carrier): Promise<Answer> {
    const { context } = reserved;
    const { endpoint, call, approval } = reserved.judged;
    const mayLeave = () => stops.assertAllowed(reserved.judged);
    // A state may have been entered while the call waited for room.
    mayLeave();
    const startMs = monotonicNow();
    const send = carrier.sign(call, sealFor(reserved));
    context.noteSigning(monotonicNow() - startMs);
    if (endpoint.security === 'SIGNED') {
      approval?.assertUsable();
      if (carrier.recordsAtOnce) recorder.signedAtOnce(context);
      else await recorder.signed(context);
      approval?.spend();
    }
    const { wasSent } = context;
    context.noteSending();
    const sentMs = monotonicNow();
    const transfer = await send(mayLeave);
    const tookMs = monotonicNow() - sentMs;
    const answer = readAnswer(endpoint, transfer);
    context.noteSent(tookMs, wasSent || answer.verdict.outcome !== 'not-sent');
    return answer;
  }

  /**
   * @throws ProxyError PROXY_STOPPED, PROXY_APPROVAL_PENDING, PROXY_UPSTREAM_UNREACHABLE, PROXY_AUDIT_UNAVAILABLE, PROXY_NOT_READY: nothing was
   * sent then
   */
  return async function attempt(reserved, carrier) {
    carrier.assertOpen();
    const first = await sendOnce(reserved, carrier);
    if (!mayGoOnceMore(reserved.judged.endpoint, first) || !carrier.isWanted()) return first;
    reserved.learn(first);
    try {
      if (first.verdict.retry === 'restamp') await resync();
      const charged = reserved.charge();
      if (charged !== undefined) await charged;
      carrier.assertOpen();
      const second = await sendOnce(reserved, carrier);
      if (first.verdict.outcome !== 'unknown' || second.verdict.outcome !== 'not-sent') return second;
      // The first sending did leave this machine: that the second did not is no reason to deny it.
      reserved.learn(second);
      return first;
    } catch {
      reserved.refund();
      return first;
    }
  };
}

function mayGoOnceMore(endpoint: Endpoint, { transfer, verdict }: Answer): boolean {
  if (transfer.streaming) return false;
  if (verdict.retry === 'restamp') return endpoint.security === 'SIGNED';
  return verdict.retry === 'once';
}
