import { once } from 'node:events';

/**
 * Prints to stdout no faster than its reader reads.
 * @throws the stream's error (EPIPE) when the reader is gone
 */
export async function print(text: string): Promise<void> {
  const { errored } = process.stdout;
  if (errored) throw errored;
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}
