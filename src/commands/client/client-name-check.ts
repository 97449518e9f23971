import { NAME_PATTERN, SYMBOL_PATTERN } from '../../config/schema/parts/schema-parts.ts';
import { ANONYMOUS } from '../../core/access/client.ts';
import { UsageError } from '../base/cli.ts';

/** What is wrong with the name of a new client, as a sentence; undefined when nothing is. */
export function wrongName(name: string): string | undefined {
  if (name === ANONYMOUS) {
    return 'The client anonymous stands for callers without a key, so none can be issued to it: choose another NAME.';
  }
  if (new RegExp(NAME_PATTERN).test(name)) return undefined;
  return 'NAME must be up to 64 letters, digits, dots, hyphens and underscores, and begin with a letter or digit.';
}

/**
 * The symbols of a list with commas; undefined when there is none.
 * @throws UsageError
 */
export function readSymbols(text: string | undefined): readonly string[] | undefined {
  const symbols = text?.split(',').map((symbol) => symbol.trim());
  if (symbols?.every((symbol) => new RegExp(SYMBOL_PATTERN, 'u').test(symbol)) !== false) return symbols;
  throw new UsageError(
    '--symbols takes symbols as Binance spells them, in upper case, with commas between them.',
  );
}
