import type { ShownTicket } from '../../approvals/shown-ticket.ts';
import { approvalDigest, digestPairs } from '../../core/approvals/approval-digest.ts';
import { parametersOf } from '../../core/approvals/card.ts';
import { visible } from '../base/cli-table.ts';
import { OperatorTrouble } from '../operator/operator-trouble.ts';

/** One ask as a few lines for people, whole. */
export function approvalText(ticket: ShownTicket): string {
  assertGenuine(ticket);
  const { id, state, words, facts, digest, quorum, approvers, notBy, asked, decideUntil, useUntil, reason } =
    ticket;
  const yes = approvers.length === 0 ? 'nobody yet' : approvers.join(', ');
  const rows: readonly (readonly [name: string, text: string])[] = [
    ['approval', `${id}  ${state}${reason === null ? '' : ` (${reason})`}`],
    ['wants', words],
    ...facts.map((fact) => ['', fact] as const),
    ['parameters', parametersOf(ticket.bound)],
    ['digest', `${digestPairs(digest)} …`],
    ['', digest],
    ['yes of', `${yes}, ${quorum} needed${notBy.length === 0 ? '' : `, not by ${notBy.join(', ')}`}`],
    ['asked', `${asked} times`],
    ['decide by', decideUntil],
    ...(useUntil === null ? [] : [['use by', useUntil] as const]),
  ];
  return rows.map(([name, text]) => `${name.padEnd(12)}${visible(text)}`).join('\n');
}

/** One ask in one line. */
export function approvalLine({ id, state, words, digest, decideUntil }: ShownTicket): string {
  return visible(
    `${id}  ${state.padEnd(8)}  ${digestPairs(digest).replaceAll(' ', '')}  by ${decideUntil}  ${words}`,
  );
}

/**
 * Makes the digest anew of what is shown, so that what is approved is what was looked at.
 * @throws OperatorTrouble when the proxy shows another thing than it asks about
 */
function assertGenuine({ bound, digest }: ShownTicket): void {
  if (approvalDigest(bound) === digest) return;
  throw new OperatorTrouble('What the proxy shows is not what its digest is about: approve nothing.');
}
