import { ProxyError } from '../../core/errors.ts';

/** What a frame is refused with that no judge of REST knows. */
export const refusals = {
  stopping: () =>
    new ProxyError('PROXY_NOT_READY', 'The signing proxy is shutting down.', { rule: 'stopping' }),
  unknownMethod: () =>
    new ProxyError(
      'PROXY_UNKNOWN_ENDPOINT',
      'Unknown method: it does not stand in the catalogue of this proxy.',
      { rule: 'catalogue' },
    ),
  tooManyUnanswered: () =>
    new ProxyError('PROXY_CLIENT_RATE_LIMITED', 'Too many frames on this socket wait for their answer.', {
      rule: 'unanswered frames',
      retryAfterSeconds: 1,
    }),
} as const;

const BAD_FRAMES: ReadonlySet<string> = new Set([
  'PROXY_MALFORMED_REQUEST',
  'PROXY_DUPLICATE_PARAMETER',
  'PROXY_UNKNOWN_CLIENT',
  'PROXY_UNKNOWN_ENDPOINT',
  'PROXY_BAD_SIGNATURE',
]);

/** True for what nobody sends who knows what he does: many in a row close the socket. */
export function isBadFrame({ name }: ProxyError): boolean {
  return BAD_FRAMES.has(name);
}
