import type { ShownTicket } from '../approvals/shown-ticket.ts';
import { approvalLine, approvalText } from './approvals/approval-text.ts';
import { type Action, commandGroup, EXIT, UsageError, type Values } from './base/cli.ts';
import { withSentences } from './base/with-sentences.ts';
import {
  OPERATOR_OPTIONS,
  OPERATOR_USAGE,
  type OperatorValues,
  operatorCaller,
} from './operator/ask-operator.ts';

const USAGE = `Usage: binance-signing-proxy approvals [show ID|approve ID DIGEST-START|deny ID] [options]

Without a word: what waits for a yes, or has one that was not used, one line each.

show ID                  Prints one of them whole: who wants what, what it is worth, every parameter, and the digest, which is
                         made anew here from what is printed.
approve ID DIGEST-START  Says yes to exactly this: DIGEST-START is at least the first 8 hex digits of its digest.
deny ID --reason TEXT    Says no. It is final, and holds for a minute for the same or less.

Options of all of them:
  ${OPERATOR_USAGE.replaceAll('\n', '\n  ')}
  --json             prints what the proxy answers

Examples:
  binance-signing-proxy approvals --token-file alice.token
  binance-signing-proxy approvals show a7f30c2e5b1d9f44 --token-file alice.token
  binance-signing-proxy approvals approve a7f30c2e5b1d9f44 3fd2a91c --token-file alice.token
  binance-signing-proxy approvals deny a7f30c2e5b1d9f44 --reason "not today" --token-file alice.token`;

const OPTIONS = { ...OPERATOR_OPTIONS, json: { type: 'boolean' } } as const;
const DENY = { ...OPTIONS, reason: { type: 'string' } } as const;
const LIST: Action<typeof OPTIONS> = { options: OPTIONS, run: list };
const SHOW: Action<typeof OPTIONS> = {
  options: OPTIONS,
  argument: 'the ID of an approval',
  run: (values, [id = '']) => show(values, id),
};

type Asked = OperatorValues & { readonly json?: boolean | undefined };

const APPROVE: Action<typeof OPTIONS> = {
  options: OPTIONS,
  argument: 'the ID of an approval and the start of its digest',
  isRepeatable: true,
  run(values, [id = '', digest, stray]) {
    if (digest === undefined || stray !== undefined)
      throw new UsageError('approvals approve takes the ID of an approval and the start of its digest.');
    return decide(values, id, { decision: 'approve', digest });
  },
};

const DENYING: Action<typeof DENY> = {
  options: DENY,
  argument: 'the ID of an approval',
  run(values: Values<typeof DENY>, [id = '']) {
    const { reason } = values;
    if (reason === undefined) throw new UsageError('approvals deny needs --reason.');
    return decide(values, id, { decision: 'deny', reason });
  },
};

/** The command `approvals`: what waits for an operator's yes, and the yes or no. */
export const approvals = withSentences(
  commandGroup({
    name: 'approvals',
    usage: USAGE,
    bare: LIST,
    actions: { show: SHOW, approve: APPROVE, deny: DENYING },
  }),
);

async function list(values: Asked): Promise<number> {
  const { body } = await (await operatorCaller(values))('GET', '/operator/approvals');
  const { approvals: waiting } = body as { readonly approvals: readonly ShownTicket[] };
  if (values.json === true) console.log(JSON.stringify(body, undefined, 2));
  else if (waiting.length === 0) console.log('Nothing waits for a yes.');
  else console.log(waiting.map(approvalLine).join('\n'));
  return EXIT.ok;
}

async function show(values: Asked, id: string): Promise<number> {
  const { body } = await (await operatorCaller(values))('GET', pathOf(id));
  return print(values, body);
}

async function decide(values: Asked, id: string, decision: object): Promise<number> {
  const { body } = await (await operatorCaller(values))('POST', pathOf(id), decision);
  return print(values, body);
}

function print({ json }: Asked, body: unknown): number {
  console.log(json === true ? JSON.stringify(body, undefined, 2) : approvalText(body as ShownTicket));
  return EXIT.ok;
}

function pathOf(id: string): string {
  if (!/^[0-9a-f]+$/.test(id)) throw new UsageError('An ID of an approval is made of hex digits.');
  return `/operator/approvals/${id}`;
}
