import { report } from './audit/report.ts';
import { show } from './audit/show.ts';
import { suggest } from './audit/suggest.ts';
import { tail } from './audit/tail.ts';
import { verify } from './audit/verify.ts';
import { type Command, commandGroup, EXIT } from './base/cli.ts';

const USAGE = `Usage: binance-signing-proxy audit <tail|show|report|suggest|verify> [options] PATH…

PATH is an audit folder, files of one, or (tail, show, report) a saved log of stdout.

  tail     shows the last ten records, and each new one as it is written, over midnight too, until Ctrl-C
           --client NAME  --symbol S  --event call.refused (or call)  --outcome answered|not-sent|unknown
           --error PROXY_ORDER_REFUSED  --since T (from then on, in place of the last ten)  --json | --table
           PATH - reads the log of a proxy from stdin
  show     prints records: a table on a terminal, JSON lines otherwise (as tail does; NO_COLOR is kept)
           the options of tail, and --until T  --order-id ID  --client-order-id ID  (with these and with --symbol
           all records of the calls that name it)
  report   per client and day: calls, refusals by rule, orders, notional by quote asset, weight, latency
           --client NAME  --since T  --until T  --json
  suggest  CLIENT PATH…: the least permissions, symbols, order types, values and rates that its own history needs, as
           YAML, with what was refused then  --since T (14d unless told)  --until T
  verify   finds the first changed, removed, inserted, reordered or cut record; exit 1 when there is one
           --key-file FILE   the audit key; again for each later one; else BINANCE_PROXY_AUDIT_KEY(_FILE)
           --from-seq N      the folder begins with record N because older files were archived

T is a day, an ISO time in UTC, or 90m, 24h, 7d ago.

Examples:
  binance-signing-proxy audit tail audit
  binance-signing-proxy audit tail --event call.refused --since 1h audit
  binance-signing-proxy audit show --client-order-id my-order-1 audit
  binance-signing-proxy audit report --since 7d audit
  binance-signing-proxy audit suggest bot --since 14d audit
  binance-signing-proxy audit verify audit`;

const act = commandGroup({ name: 'audit', usage: USAGE, actions: { tail, show, report, suggest, verify } });

/** `audit verify|show|tail|report|suggest`: exit code 0, 1 when a trail is not whole or a path cannot be read, 64 for a wrong call. */
export const audit: Command = Object.assign(run, { takes: act.takes });

async function run(argv: readonly string[]): Promise<number> {
  process.stdout.on('error', ignore);
  try {
    return await act(argv);
  } catch (error) {
    // Whoever reads the output has seen enough: `audit show … | head`.
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') return EXIT.ok;
    process.stderr.write(`${error instanceof Error ? error.message : 'unknown error'}\n`);
    return EXIT.problem;
  } finally {
    process.stdout.off('error', ignore);
  }
}

/** A broken pipe is met at the next print; without a listener it would end the program with a stack trace. */
function ignore(): void {}
