import type { ProxyError } from '../../core/errors.ts';
import { errorFrame } from '../../core/frames/frame-error.ts';
import type { CallContext } from '../../pipeline/call-context.ts';
import { isGuess } from '../../pipeline/refusals.ts';
import type { Pipeline } from '../../pipeline/wire-pipeline.ts';
import type { ServerClock } from '../../upstream/server-clock.ts';
import type { SocketLimits } from '../sockets/socket-limits.ts';
import { isBadFrame } from './bad-frames.ts';

export interface RefusedFramesOptions {
  readonly pipeline: Pick<Pipeline, 'recorder'>;
  readonly clock: Pick<ServerClock, 'nowOrLocal'>;
  readonly limits: Pick<SocketLimits, 'badFramesInARow'>;
  /** Counts a wrong key; what refuses when there were too many, over all sockets and requests from the same place. */
  readonly guesses: () => Promise<ProxyError | undefined>;
  readonly say: (text: string) => void;
  readonly cut: (code: number, rule: string) => void;
}

/** Answers the frames of one socket that are refused, and counts the bad ones in a row. */
export class RefusedFrames {
  readonly #options: RefusedFramesOptions;
  #badInARow = 0;

  constructor(options: RefusedFramesOptions) {
    this.#options = options;
  }

  /** A frame was accepted: bad ones are counted anew. */
  accepted(): void {
    this.#badInARow = 0;
  }

  /** Records and tells a refusal; so many bad frames in a row end the socket. */
  async refuse(context: CallContext, id: string, error: ProxyError): Promise<void> {
    const { clock, pipeline, guesses, limits, say, cut } = this.#options;
    const told = (isGuess(error) ? await guesses() : undefined) ?? error;
    const { outcome } = pipeline.recorder.refused(context, told);
    say(errorFrame(id, told, context.requestId, clock.nowOrLocal(), outcome));
    if (isBadFrame(error) && ++this.#badInARow >= limits.badFramesInARow) cut(1008, 'bad frames');
  }
}
