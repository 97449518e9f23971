/** An act could not be done; its message is one sentence, and `isAway` says that there was no proxy to ask. */
export class OperatorTrouble extends Error {
  override readonly name = 'OperatorTrouble';
  readonly isAway: boolean;

  constructor(message: string, isAway = false) {
    super(message);
    this.isAway = isAway;
  }
}
