/** A refusal of the listener for operators; its message is one sentence for whoever asked. */
export class OperatorError extends Error {
  override readonly name = 'OperatorError';
  readonly status: number;
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, message: string, retryAfterSeconds?: number) {
    super(message);
    this.status = status;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}
