/** A secret that has to stay a string (an address with a password): private, so that no printing shows it. */
export class SecretText {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  reveal(): string {
    return this.#text;
  }
}
