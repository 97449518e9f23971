import pino from 'pino';

/**
 * The log on stdout: pino's destination, synchronous, one JSON line per record. Records come as finished lines, the same
 * bytes that stand in the audit file; the level decides whether they are printed.
 */
export function openLog(level: string): (line: string, level: number) => void {
  const destination = pino.destination({ dest: 1, sync: true });
  const least = pino.levels.values[level] ?? Number.POSITIVE_INFINITY;
  return (line, lineLevel) => {
    if (lineLevel >= least) destination.write(`${line}\n`);
  };
}
