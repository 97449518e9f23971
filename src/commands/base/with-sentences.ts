import { ConfigError, formatProblems } from '../../config/problems/config-error.ts';
import { UnsafeFileError } from '../files/safe-file.ts';
import { OperatorTrouble } from '../operator/operator-trouble.ts';
import { type Command, EXIT } from './cli.ts';

/** The same command, which ends with a sentence where a file or the configuration is not as it has to be. */
export function withSentences(command: Command): Command {
  const act = async (argv: readonly string[]): Promise<number> => {
    try {
      return await command(argv);
    } catch (error) {
      if (error instanceof ConfigError) {
        console.error(formatProblems(error));
        return EXIT.configuration;
      }
      if (error instanceof OperatorTrouble) {
        console.error(error.message);
        return error.isAway ? EXIT.notNow : EXIT.problem;
      }
      const { code, path } = error as NodeJS.ErrnoException;
      if (!(error instanceof UnsafeFileError) && (code === undefined || path === undefined)) throw error;
      console.error(error instanceof UnsafeFileError ? error.message : `${path} cannot be used (${code}).`);
      return EXIT.problem;
    }
  };
  return Object.assign(act, { takes: command.takes });
}
