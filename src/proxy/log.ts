import pino from 'pino';
import type { Log } from '../audit/record-printer.ts';

/**
 * The log on stdout: pino's destination, synchronous, one JSON line per record. Records come as finished lines, the same
 * bytes that stand in the audit file; the level decides whether they are printed. Lines that come together are written
 * together.
 */
export function openLog(level: string): Log {
  const destination = pino.destination({ dest: 1, sync: true });
  const least = pino.levels.values[level] ?? Number.POSITIVE_INFINITY;
  return (lines) => {
    let text = '';
    for (const line of lines) if (line.level >= least) text += `${line.text}\n`;
    if (text !== '') destination.write(text);
  };
}
