/** Why an operator's wish was not done, with the HTTP status that says so. */
export class DecisionError extends Error {
  override readonly name = 'DecisionError';
  readonly status: number;

  constructor(status: 400 | 403 | 404 | 409, message: string) {
    super(message);
    this.status = status;
  }
}
