import { type CommandWords, optionWords, PROGRAM, quoted } from './words.ts';

/** The script for fish. */
export function fishScript(commands: readonly CommandWords[]): string {
  const lines = commands.flatMap((each) => [
    complete('__fish_use_subcommand', `-a ${quoted(each.name)} -d ${quoted(each.summary)}`),
    ...linesOf(each),
  ]);
  return `# fish completion for ${PROGRAM}
complete -c ${PROGRAM} -n __fish_use_subcommand -f
${lines.join('\n')}
`;
}

function linesOf({ name, options, actions, values }: CommandWords): readonly string[] {
  const seen = `__fish_seen_subcommand_from ${name}`;
  const words = Object.entries(actions);
  const first = [...words.map(([word]) => word), ...values];
  const open = words.length === 0 ? seen : `${seen}; and not __fish_seen_subcommand_from ${first.join(' ')}`;
  return [
    ...(first.length === 0 ? [] : [complete(open, `-f -a ${quoted(first.join(' '))}`)]),
    ...flags(seen, options),
    ...words.flatMap(([word, own]) => flags(`${seen}; and __fish_seen_subcommand_from ${word}`, own)),
  ];
}

function flags(condition: string, options: CommandWords['options']): readonly string[] {
  return optionWords(options).map(({ name, takesValue, choices }) => {
    const value = choices === undefined ? ' -r' : ` -x -a ${quoted(choices.join(' '))}`;
    return complete(condition, `-l ${name}${takesValue ? value : ''}`);
  });
}

function complete(condition: string, rest: string): string {
  return `complete -c ${PROGRAM} -n ${quoted(condition)} ${rest}`;
}
