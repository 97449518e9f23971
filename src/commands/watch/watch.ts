import { setTimeout as pause } from 'node:timers/promises';
import { type Command, command, EXIT, type Values } from '../base/cli.ts';
import { withSentences } from '../base/with-sentences.ts';
import { OPERATOR_OPTIONS, OPERATOR_USAGE, operatorCaller } from '../operator/ask-operator.ts';
import { OperatorTrouble } from '../operator/operator-trouble.ts';
import { overviewLines, type WatchedOverview } from './overview-lines.ts';

const USAGE = `Usage: binance-signing-proxy watch [--once] [options]

Shows how the running proxy is, as the console's overview does: what is not well and what to do, clock, keys, budgets, latency, calls
by client, refusals, states. On a terminal it is a table that is drawn anew every two seconds, until Ctrl-C; otherwise
one line of JSON each time. Exit code 75 when no proxy is there at the beginning, 1 when the token is wrong.

--once             once only; exit code 1 when something is not well
${OPERATOR_USAGE}

Examples:
  binance-signing-proxy watch --token-file operator.token
  binance-signing-proxy watch --once --token-file operator.token | jq .troubles`;

const OPTIONS = { ...OPERATOR_OPTIONS, once: { type: 'boolean' } } as const;
const EVERY_MS = 2_000;
/** Clears the terminal and goes to its first line. */
const ANEW = '\u001b[H\u001b[2J\u001b[3J';

/** The command `watch`: the overview in a terminal. */
export const watch: Command = withSentences(command({ name: 'watch', usage: USAGE, options: OPTIONS, run }));

async function run(values: Values<typeof OPTIONS>): Promise<number> {
  const ask = await operatorCaller(values);
  const look = async () => (await ask('GET', '/operator/overview')).body as WatchedOverview;
  let overview = await look();
  if (values.once === true) {
    show(overview, '');
    return overview.troubles.length === 0 ? EXIT.ok : EXIT.problem;
  }
  for (;;) {
    show(overview, ANEW);
    overview = await lookAgain(look);
  }
}

/** Waits, and goes on asking when the proxy is away: it may be starting anew. */
async function lookAgain(look: () => Promise<WatchedOverview>): Promise<WatchedOverview> {
  for (;;) {
    await pause(EVERY_MS);
    try {
      return await look();
    } catch (error) {
      if (!(error instanceof OperatorTrouble) || !error.isAway) throw error;
      console.error(error.message);
    }
  }
}

function show(overview: WatchedOverview, before: string): void {
  if (process.stdout.isTTY !== true) console.log(JSON.stringify(overview));
  else {
    const lines = overviewLines(overview, process.stdout.columns);
    process.stdout.write(`${before}${lines.join('\n')}\n`);
  }
}
