/** One thing that is wrong with the configuration, as a sentence that says what to set; never contains a configured value. */
export interface ConfigProblem {
  readonly message: string;
  /** The environment variable or the file that is wrong. */
  readonly source?: string;
  /** Line and column in that file, both from 1. */
  readonly line?: number;
  readonly column?: number;
}

/** Everything that is wrong with a configuration, all at once; the program then ends with exit code 78. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[], options?: ErrorOptions) {
    super(problems.map(formatProblem).join('\n'), options);
    this.problems = problems;
  }
}

/** One line per problem; those of a file begin with `file:line:column`. */
export function formatProblems(error: ConfigError): string {
  return error.problems.map(formatProblem).join('\n');
}

function formatProblem({ message, source, line, column }: ConfigProblem): string {
  return source === undefined || line === undefined ? message : `${source}:${line}:${column ?? 1} ${message}`;
}
