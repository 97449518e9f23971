import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';

/** The exit codes of the program; 64, 75 and 78 are those of sysexits.h. docs/operations.md lists what ends with each. */
export const EXIT = {
  ok: 0,
  /** The command ran, and what it found or met is not in order. */
  problem: 1,
  /** The command was called in a wrong way. */
  usage: 64,
  /** It cannot be done now: a port or a folder is taken, there is no room. The same may work later. */
  notNow: 75,
  /** It can never be done so: the configuration is wrong. */
  configuration: 78,
} as const;

/** A command as the program calls it: it takes what follows its name and resolves to the exit code. */
export interface Command {
  (argv: readonly string[]): Promise<number>;
  /** What may be typed after its name, for completions. */
  readonly takes: Takes;
}

export interface Takes {
  readonly options: ParseArgsOptionsConfig;
  /** The options of each word that says what to do; none for a command without such words. */
  readonly actions: Readonly<Record<string, ParseArgsOptionsConfig>>;
}

interface Parsing<O extends ParseArgsOptionsConfig> {
  readonly args: readonly string[];
  readonly options: O & typeof HELP;
  readonly allowPositionals: true;
}

/** The values of options as `parseArgs` of node:util returns them. */
export type Values<O extends ParseArgsOptionsConfig> = ReturnType<typeof parseArgs<Parsing<O>>>['values'];

/** What a command takes and what it does with it. */
export interface Action<O extends ParseArgsOptionsConfig = ParseArgsOptionsConfig> {
  /** Options beside --help, which every command has. */
  readonly options: O;
  /** The argument that the command needs, in words; a command without it takes none. */
  readonly argument?: string;
  /** True when the argument may come several times. */
  readonly isRepeatable?: boolean;
  /**
   * Does the work and resolves to the exit code.
   * @throws UsageError when an argument or the value of an option is wrong
   */
  run(values: Values<O>, args: readonly string[]): Promise<number>;
}

interface Named {
  /** As the user types it, without the name of the program. */
  readonly name: string;
  /** What --help prints. */
  readonly usage: string;
}

type OptionToken = Extract<ReturnType<typeof tokensOf>[number], { kind: 'option' }>;
type Actions = Readonly<Record<string, Action>>;

/** A wrong call: its message is one sentence, which is printed above the usage. */
export class UsageError extends Error {}

const HELP = { help: { type: 'boolean', short: 'h' } } as const;

/** A command that prints its usage on --help, and on stderr with exit code 64 when it is called in a wrong way. */
export function command<const O extends ParseArgsOptionsConfig>(shape: Named & Action<O>): Command {
  const act = async (argv: readonly string[]) => {
    try {
      return await perform(shape, argv);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      console.error(`${error.message}\n\n${shape.usage}`);
      return EXIT.usage;
    }
  };
  return Object.assign(act, { takes: { options: shape.options, actions: {} } });
}

/** A command whose first argument names one of several actions, all of them explained by one usage. */
export function commandGroup({
  name,
  usage,
  actions,
  bare,
}: Named & {
  readonly actions: Actions;
  /** What is done without a word. */
  readonly bare?: Action;
}): Command {
  const all = [...Object.values(actions), ...(bare === undefined ? [] : [bare])].map(
    (action) => action.options,
  );
  const options: ParseArgsOptionsConfig = Object.assign({}, ...all);
  const choice = new Intl.ListFormat('en-GB', { type: 'disjunction' }).format(Object.keys(actions));
  const lost: Action = {
    options,
    argument: `a word to say what to do: ${choice}`,
    isRepeatable: true,
    run(_values, [word]) {
      throw new UsageError(`${JSON.stringify(word)} does not say what to do: ${name} takes ${choice}.`);
    },
  };
  const act = (argv: readonly string[]) => {
    const word = tokensOf(argv, options).find((token) => token.kind === 'positional');
    if (word === undefined && bare !== undefined) return command({ name, usage, ...bare })(argv);
    const action = word === undefined ? undefined : own(actions, word.value);
    if (word === undefined || action === undefined) return command({ name, usage, ...lost })(argv);
    return command({ name: `${name} ${word.value}`, usage, ...action })(argv.toSpliced(word.index, 1));
  };
  const words = Object.entries(actions).map(([word, action]) => [word, action.options] as const);
  return Object.assign(act, { takes: { options: bare?.options ?? {}, actions: Object.fromEntries(words) } });
}

async function perform<O extends ParseArgsOptionsConfig>(
  { name, usage, options, argument, isRepeatable = false, run }: Named & Action<O>,
  argv: readonly string[],
): Promise<number> {
  const known = { ...options, ...HELP };
  const given = tokensOf(argv, known).filter((token) => token.kind === 'option');
  for (const option of given) refuseWrong(option, name, known);
  if (given.some((option) => option.name === 'help')) {
    console.log(usage);
    return EXIT.ok;
  }
  const parsing: Parsing<O> = { args: argv, options: known, allowPositionals: true };
  const { values, positionals } = parseArgs<Parsing<O>>(parsing);
  const stray = positionals[argument === undefined ? 0 : isRepeatable ? Infinity : 1];
  if (stray !== undefined) {
    throw new UsageError(`${name} does not take the argument ${JSON.stringify(stray)}.`);
  }
  if (argument !== undefined && positionals.length === 0) throw new UsageError(`${name} needs ${argument}.`);
  return await run(values, positionals);
}

/** The value of a wrong option is not repeated, for it may be a secret. */
function refuseWrong(given: OptionToken, command: string, options: ParseArgsOptionsConfig): void {
  const { name, rawName, value, inlineValue } = given;
  const option = own(options, name);
  if (option === undefined) throw new UsageError(`${command} has no option ${rawName}.`);
  if (option.type === 'boolean' && value !== undefined) throw new UsageError(`${rawName} takes no value.`);
  // "--since --json": what looks like an option is one, unless it stands behind a "=".
  const isMissing = value === undefined || (!inlineValue && /^-./.test(value));
  if (option.type === 'string' && isMissing) throw new UsageError(`${rawName} needs a value.`);
}

function tokensOf(argv: readonly string[], options: ParseArgsOptionsConfig) {
  return parseArgs({ args: argv, options, strict: false, allowPositionals: true, tokens: true }).tokens;
}

function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
