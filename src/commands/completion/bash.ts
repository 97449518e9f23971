import { VALUE_CHOICES } from './value-choices.ts';
import { type CommandWords, optionWords, PROGRAM, quoted } from './words.ts';

/** The script for bash. What it does not know is completed by bash itself: names of files. */
export function bashScript(commands: readonly CommandWords[]): string {
  return `# bash completion for ${PROGRAM}
_binance_signing_proxy() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} place='' words='' index
  for ((index = 1; index < COMP_CWORD; index++)); do
    case "$place/\${COMP_WORDS[index]}" in
${commands.flatMap(places).join('\n')}
    esac
  done
  case $previous in
${[...VALUE_CHOICES].map(([name, values]) => `    --${name}) words=${quoted(values.join(' '))} ;;`).join('\n')}
    *)
      case $place in
        '') words=${quoted([...commands.map(({ name }) => name), '--help', '--version'].join(' '))} ;;
${commands.flatMap(wordsAt).join('\n')}
      esac
      ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _binance_signing_proxy ${PROGRAM}
`;
}

/** The lines that find out how far the command is named. */
function places({ name, actions }: CommandWords): readonly string[] {
  const words = [name, ...Object.keys(actions).map((word) => `${name}/${word}`)];
  return words.map(
    (place) => `      ${quoted(`${place.includes('/') ? '' : '/'}${place}`)}) place=${quoted(place)} ;;`,
  );
}

/** The lines that say what may follow: a dash brings the options, nothing brings the words. */
function wordsAt({ name, options, actions, values }: CommandWords): readonly string[] {
  const entries = Object.entries(actions);
  const first = [...entries.map(([word]) => word), ...values];
  const lines = [line(name, first, options)];
  return [...lines, ...entries.map(([word, own]) => line(`${name}/${word}`, [], own))];
}

function line(place: string, words: readonly string[], options: CommandWords['options']): string {
  const flags = optionWords(options).map((option) => `--${option.name}`);
  const own = `words=${quoted(flags.join(' '))}`;
  const otherwise = words.length === 0 ? '' : `; [[ $current == -* ]] || words=${quoted(words.join(' '))}`;
  const files = words.length === 0 ? "; [[ $current == -* ]] || words=''" : otherwise;
  return `        ${quoted(place)}) ${own}${files} ;;`;
}
