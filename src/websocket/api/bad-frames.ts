import type { WayOut } from '../../config/schema/ways-out.ts';
import { ProxyError } from '../../core/errors.ts';
import { isGuess } from '../../pipeline/refusals.ts';

/** The refusal of one frame more on a socket than may wait for their answer. */
export function tooManyUnanswered(): ProxyError {
  return new ProxyError(
    'PROXY_CLIENT_RATE_LIMITED',
    'Too many frames on this socket wait for their answer.',
    {
      rule: 'unanswered frames',
      retryAfterSeconds: 1,
    },
  );
}

/** The refusal of a frame whose account leaves by another way than the socket does. */
export function otherWayOut(socket: WayOut, account: WayOut): ProxyError {
  return new ProxyError(
    'PROXY_UPSTREAM_UNREACHABLE',
    `This socket leaves by ${socket.setting}, the account of this frame by ${account.setting}: open a socket of its own for it. Nothing was sent.`,
    { rule: 'way out of the socket' },
  );
}

const BAD_FRAMES: ReadonlySet<string> = new Set([
  'PROXY_MALFORMED_REQUEST',
  'PROXY_DUPLICATE_PARAMETER',
  'PROXY_UNKNOWN_ENDPOINT',
  'PROXY_BAD_SIGNATURE',
]);

/** True for what nobody sends who knows what he does: many in a row close the socket. */
export function isBadFrame(error: ProxyError): boolean {
  return BAD_FRAMES.has(error.name) || isGuess(error);
}
