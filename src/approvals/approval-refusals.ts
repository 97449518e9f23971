import { digestPairs } from '../core/approvals/approval-digest.ts';
import { ProxyError } from '../core/errors.ts';
import { SECOND_MS } from '../core/intervals.ts';
import type { Ticket } from './approval-ticket.ts';

/** An app asks again after so many seconds. */
const ASK_AGAIN_SECONDS = 5;

/** The answer to a call that waits for a yes: whoever reads nothing else knows from it what to do. */
export function pending({ id, ask, decideUntil }: Ticket): ProxyError {
  const message =
    `Waits for approval ${id} (${digestPairs(ask.digest)}) by a person: nothing was sent and nothing was placed. ` +
    `Send the same order again every ${ASK_AGAIN_SECONDS} s or later, unchanged but for its client order id, until it passes: ` +
    `it is decided by ${timeOf(decideUntil.wallMs)} or not at all. ` +
    'Another or a larger order, or parts of it, would be asked for anew.';
  return new ProxyError('PROXY_APPROVAL_PENDING', message, {
    rule: ask.rule,
    approval: id,
    retryAfterSeconds: ASK_AGAIN_SECONDS,
  });
}

/** A no holds for a while for the same or less. */
export function denied({ id, ask, reason }: Ticket): ProxyError {
  const why = reason === undefined || reason === '' ? '' : ` (${reason})`;
  const message =
    `Approval ${id} was denied by a person${why}: nothing was sent. ` +
    'Do not send this order again, nor a smaller one like it.';
  return new ProxyError('PROXY_APPROVAL_DENIED', message, { rule: ask.rule, approval: id });
}

/** An ask that ended while its call was waiting. */
export function ended({ id, ask, reason = 'its time is over' }: Ticket): ProxyError {
  const message = `Approval ${id} does not hold any more (${reason}): nothing was sent. Send the same order again to ask anew.`;
  return new ProxyError('PROXY_APPROVAL_PENDING', message, {
    rule: ask.rule,
    approval: id,
    retryAfterSeconds: ASK_AGAIN_SECONDS,
  });
}

/** Nobody can look at more than so many. */
export function queueFull(client: string, whose: 'own' | 'all'): ProxyError {
  const which = whose === 'own' ? `Client ${client} has` : 'All clients together have';
  return new ProxyError(
    'PROXY_ORDER_REFUSED',
    `${which} as many calls waiting for approval as there may be (rule approval-queue): nothing was sent and nothing was asked.`,
    { rule: 'approval-queue' },
  );
}

/** What nobody can value cannot be held against a limit. */
export function unvaluable(why: string, cause: unknown): ProxyError {
  return new ProxyError(
    'PROXY_ORDER_REFUSED',
    `Order refused: whether it needs an approval cannot be told: ${why} (rule unvaluable).`,
    { rule: 'unvaluable', cause },
  );
}

/** Whoever says yes has to see all of it. */
export function unshowable(): ProxyError {
  return new ProxyError(
    'PROXY_ORDER_REFUSED',
    'Call refused: it needs an approval, and a parameter is too long to be shown, holds a secret or looks like one (rule unrecordable).',
    { rule: 'unrecordable' },
  );
}

/** Such as `12:03:10Z`, with its day where that is another one than the reader would think of. */
function timeOf(ms: number): string {
  return new Date(Math.floor(ms / SECOND_MS) * SECOND_MS).toISOString().replace('.000', '');
}
