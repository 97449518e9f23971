import { type Action, commandGroup, EXIT } from './base/cli.ts';
import { table } from './base/cli-table.ts';
import { withSentences } from './base/with-sentences.ts';
import {
  OPERATOR_OPTIONS,
  OPERATOR_USAGE,
  type OperatorValues,
  operatorCaller,
} from './operator/ask-operator.ts';

const USAGE = `Usage: binance-signing-proxy notices test [options]

test  Has the running proxy send a notice to everybody who is told, once each, and prints what came of it. Exit code 0 when
      all were taken, 1 when not or when nobody is told, 75 when no proxy is there.
      ${OPERATOR_USAGE.replaceAll('\n', '\n      ')}

Who is told, and of what: docs/notices.md.

Examples:
  binance-signing-proxy notices test --token-file operator.token`;

/** Longer than one try may take. */
const ANSWER_WITHIN_MS = 20_000;

const TEST: Action<typeof OPERATOR_OPTIONS> = { options: OPERATOR_OPTIONS, run: testNotices };

/** The command `notices`: tries whether those who are to be told can be. */
export const notices = withSentences(
  commandGroup({ name: 'notices', usage: USAGE, actions: { test: TEST } }),
);

interface Trial {
  readonly name: string;
  readonly kind: string;
  readonly sent: boolean;
  readonly why?: string;
}

async function testNotices(values: OperatorValues): Promise<number> {
  const ask = await operatorCaller(values, ANSWER_WITHIN_MS);
  const { body } = await ask('POST', '/operator/notices/test', {});
  const { notices: trials = [] } = Object(body) as { readonly notices?: readonly Trial[] };
  if (trials.length === 0) {
    console.error('Nobody is told of anything: the configuration names no notices.');
    return EXIT.problem;
  }
  const rows = trials.map(({ name, kind, sent, why = '' }) => [name, kind, sent ? 'sent' : 'not sent', why]);
  console.log(table(['notice', 'kind', '', ''], rows));
  return trials.every(({ sent }) => sent) ? EXIT.ok : EXIT.problem;
}
