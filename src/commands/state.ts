import { type Command, command, EXIT, UsageError, type Values } from './base/cli.ts';
import { withSentences } from './base/with-sentences.ts';
import {
  OPERATOR_OPTIONS,
  OPERATOR_USAGE,
  type OperatorValues,
  operatorCaller,
} from './operator/ask-operator.ts';
import { enteredLines, type ShownEntered, type ShownStates, stateLines } from './state/state-lines.ts';
import { watchCancelling } from './state/watch-cancelling.ts';

const USAGE = `Usage: binance-signing-proxy state [options]
       binance-signing-proxy state set STATE --reason TEXT [options]

Shows what is stopped, or stops it. STATE is run, reduce-only, cancel-only or halt, and holds until somebody sets another.

--account NAME     the state of an account,
--client NAME      of a client,
--symbol NAME      or of a symbol; of the whole proxy without one of them
--reason TEXT      why; it stands in the records and in what apps are told
--cancel WHICH     which resting orders are cancelled: own (the default: those placed through the proxy), all, none
${OPERATOR_USAGE}

Exit codes: 0 done (also when it was so before), 1 refused, or something is left to be cancelled, 75 no proxy is there.

Examples:
  binance-signing-proxy state set cancel-only --reason "lunch" --token-file operator.token
  binance-signing-proxy state set run --client grid-bot --reason "fixed" --token-file operator.token`;

const SET_OPTIONS = {
  ...OPERATOR_OPTIONS,
  account: { type: 'string' },
  client: { type: 'string' },
  symbol: { type: 'string' },
  reason: { type: 'string' },
  cancel: { type: 'string' },
} as const;

/** Longer than the proxy itself waits for what it cancels. */
const ANSWER_WITHIN_MS = 60_000;

const show = command({ name: 'state', usage: USAGE, options: OPERATOR_OPTIONS, run: showStates });
const set = command({
  name: 'state set',
  usage: USAGE,
  options: SET_OPTIONS,
  argument: 'a STATE: run, reduce-only, cancel-only or halt',
  run: (values, [name = '']) => setState(name, values),
});
const either = async (argv: readonly string[]) => (argv[0] === 'set' ? set(argv.slice(1)) : show(argv));
const takes = { options: OPERATOR_OPTIONS, actions: { set: SET_OPTIONS } };

/** The command `state`: shows what is stopped, and stops it. */
export const state: Command = withSentences(Object.assign(either, { takes }));

async function showStates(values: OperatorValues): Promise<number> {
  const ask = await operatorCaller(values);
  const { body } = await ask('GET', '/operator/state');
  for (const line of stateLines(body as ShownStates)) console.log(line);
  return EXIT.ok;
}

async function setState(name: string, values: Values<typeof SET_OPTIONS>): Promise<number> {
  const { reason, cancel, account, client, symbol } = values;
  if (reason === undefined || reason.trim() === '') throw new UsageError('state set needs --reason TEXT.');
  const ask = await operatorCaller(values, ANSWER_WITHIN_MS);
  const wish = { state: name, reason, cancel, account, client, symbol };
  const watch = watchCancelling(await operatorCaller(values), process.stderr);
  try {
    const { body } = await ask('POST', '/operator/states', wish);
    watch.stop();
    const entered = body as ShownEntered;
    for (const line of enteredLines(entered)) console.log(line);
    return entered.left.length === 0 ? EXIT.ok : EXIT.problem;
  } finally {
    watch.stop();
  }
}
