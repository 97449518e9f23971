/** How many orders of each client Binance refused in a row. */
export class RefusalStreaks {
  readonly #streaks = new Map<string, number>();

  /** One more; true when that makes as many as end the row, which begins anew then. */
  refused(client: string, most: number): boolean {
    const streak = this.of(client) + 1;
    if (streak < most) {
      this.#streaks.set(client, streak);
      return false;
    }
    this.#streaks.delete(client);
    return true;
  }

  accepted(client: string): void {
    this.#streaks.delete(client);
  }

  of(client: string): number {
    return this.#streaks.get(client) ?? 0;
  }
}
