/** Why a state was not entered. */
export type StopProblem = 'unknown-name' | 'no-reason' | 'not-shared' | 'not-kept';

/** The refusal of an operator's wish, as a sentence for the operator. */
export class StopError extends Error {
  override readonly name = 'StopError';
  readonly problem: StopProblem;

  constructor(problem: StopProblem, message: string, options?: ErrorOptions) {
    super(message, options);
    this.problem = problem;
  }
}
