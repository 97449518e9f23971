import { type Command, command, EXIT, UsageError } from './base/cli.ts';
import { bashScript } from './completion/bash.ts';
import { fishScript } from './completion/fish.ts';
import { SHELLS, type Shell } from './completion/value-choices.ts';
import type { CommandWords } from './completion/words.ts';
import { zshScript } from './completion/zsh.ts';

/** Every command by name: how it is loaded, and what it does in a few words. */
export type CommandTable = ReadonlyMap<string, readonly [load: () => Promise<Command>, summary: string]>;

const USAGE = `Usage: binance-signing-proxy completion <bash|zsh|fish>

Prints the script with which the shell completes commands, options and their values.

Examples:
  source <(binance-signing-proxy completion bash)            # this bash; put the line into ~/.bashrc to keep it
  binance-signing-proxy completion zsh > "\${fpath[1]}/_binance-signing-proxy"
  binance-signing-proxy completion fish > ~/.config/fish/completions/binance-signing-proxy.fish`;

const PRINTERS: Readonly<Record<Shell, (commands: readonly CommandWords[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

/** The command `completion`, for the commands of this table. */
export function completionOf(table: CommandTable): Command {
  return command({
    name: 'completion',
    usage: USAGE,
    options: {},
    argument: 'the name of a shell: bash, zsh or fish',
    async run(_values, [name = '']) {
      const shell = SHELLS.find((each) => each === name);
      if (shell === undefined)
        throw new UsageError(`completion knows bash, zsh and fish, not ${JSON.stringify(name)}.`);
      process.stdout.write(PRINTERS[shell](await wordsOf(table)));
      return EXIT.ok;
    },
  });
}

async function wordsOf(table: CommandTable): Promise<readonly CommandWords[]> {
  return Promise.all(
    [...table].map(async ([name, [load, summary]]) => {
      const { options, actions } =
        name === 'completion' ? { options: {}, actions: {} } : (await load()).takes;
      return { name, summary, options, actions, values: name === 'completion' ? SHELLS : [] };
    }),
  );
}
