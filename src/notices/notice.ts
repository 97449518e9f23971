/** How much a notice matters; of a full queue the lesser ones go first. */
export type Severity = 'critical' | 'warning' | 'info';

/** What an operator is told: taken from a line of the trail, in which no secret stands. */
export interface Notice {
  /** The event of the record; `notices.test` for one that was asked for. */
  readonly event: string;
  readonly severity: Severity;
  /** A few words in ASCII. */
  readonly title: string;
  readonly text: string;
  /** When it happened, in ISO 8601. */
  readonly time: string;
  readonly seq?: number;
  readonly account?: string;
  readonly client?: string;
  readonly upstream?: string;
  /** The facts that stand in the record beside its sentence. */
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** Equal for notices that say the same, whenever they happened. */
export function sameness({ event, account, client, upstream, text }: Notice): string {
  return JSON.stringify([event, account, client, upstream, text]);
}
