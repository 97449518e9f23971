import { report } from './audit/report.ts';
import { show } from './audit/show.ts';
import { verify } from './audit/verify.ts';
import { commandGroup, EXIT } from './cli.ts';

const USAGE = `Usage: binance-signing-proxy audit <verify|show|report> [options] PATH…

PATH is an audit folder, files of one, or (show, report) a saved log of stdout.

  verify   finds the first changed, removed, inserted, reordered or cut record; exit 1 when there is one
           --key-file FILE   the audit key; again for each later one; else BINANCE_PROXY_AUDIT_KEY(_FILE)
           --from-seq N      the folder begins with record N because older files were archived
  show     prints records: a table on a terminal, JSON lines otherwise
           --client NAME  --outcome answered|not-sent|unknown  --event call.refused (or call)
           --symbol S  --order-id ID  --client-order-id ID   (all records of the calls that name it)
           --since T  --until T   a day, an ISO time in UTC, or 90m, 24h, 7d ago
           --json | --table
  report   per client and day: calls, refusals by rule, orders, notional by quote asset, weight, latency
           --client NAME  --since T  --until T  --json`;

const act = commandGroup({ name: 'audit', usage: USAGE, actions: { verify, show, report } });

/** `audit verify|show|report`: exit code 0, 1 when a trail is not whole or a path cannot be read, 64 for a wrong call. */
export async function audit(argv: readonly string[]): Promise<number> {
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
