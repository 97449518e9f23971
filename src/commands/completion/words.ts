import type { ParseArgsOptionsConfig } from 'node:util';
import type { Takes } from '../base/cli.ts';
import { VALUE_CHOICES } from './value-choices.ts';

/** The name that is completed. */
export const PROGRAM = 'binance-signing-proxy';

/** A command with everything that may be typed after its name. */
export interface CommandWords extends Takes {
  readonly name: string;
  readonly summary: string;
  /** The arguments that it knows by themselves. */
  readonly values: readonly string[];
}

/** An option as a user types it. */
export interface OptionWord {
  readonly name: string;
  readonly takesValue: boolean;
  /** The values to choose from; undefined when it takes any. */
  readonly choices: readonly string[] | undefined;
  readonly isRepeatable: boolean;
}

export function optionWords(options: ParseArgsOptionsConfig): readonly OptionWord[] {
  const words = Object.entries(options).map(([name, { type, multiple = false }]) => ({
    name,
    takesValue: type === 'string',
    choices: type === 'string' ? VALUE_CHOICES.get(name) : undefined,
    isRepeatable: multiple,
  }));
  return [...words, { name: 'help', takesValue: false, choices: undefined, isRepeatable: false }];
}

/** A text in single quotes, as all three shells read it. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
