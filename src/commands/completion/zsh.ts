import { type CommandWords, optionWords, PROGRAM, quoted } from './words.ts';

/** The script for zsh, to be sourced or to be put into a folder of `fpath`. */
export function zshScript(commands: readonly CommandWords[]): string {
  const names = commands.map(({ name, summary }) => quoted(`${name}:${summary}`));
  return `#compdef ${PROGRAM}
_binance_signing_proxy() {
  if (( CURRENT == 2 )); then
    local -a commands=(${names.join(' ')})
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${commands.map(commandCase).join('\n')}
  esac
}
if [[ $funcstack[1] == _binance_signing_proxy ]]; then
  _binance_signing_proxy "$@"
else
  compdef _binance_signing_proxy ${PROGRAM}
fi
`;
}

function commandCase({ name, options, actions, values }: CommandWords): string {
  const words = Object.entries(actions);
  if (words.length === 0) {
    const argument = values.length === 0 ? '*:file:_files' : `1:value:(${values.join(' ')})`;
    return `    ${name}) ${argumentsOf(options, argument)} ;;`;
  }
  const inner = words.map(([word, own]) => `        ${word}) ${argumentsOf(own, '*:file:_files')} ;;`);
  return `    ${name})
      if (( CURRENT == 2 )); then
        local -a actions=(${words.map(([word]) => word).join(' ')})
        _describe action actions
        return
      fi
      local action=$words[2]
      shift words
      (( CURRENT-- ))
      case $action in
${inner.join('\n')}
      esac
      ;;`;
}

function argumentsOf(options: CommandWords['options'], rest: string): string {
  const specs = optionWords(options).map(({ name, takesValue, choices, isRepeatable }) => {
    const value = choices === undefined ? ':value:_files' : `:value:(${choices.join(' ')})`;
    return quoted(`${isRepeatable ? '*' : ''}--${name}${takesValue ? value : ''}`);
  });
  return `_arguments ${[...specs, quoted(rest)].join(' ')}`;
}
