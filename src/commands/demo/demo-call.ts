/** One call of the demo. */
export interface DemoCall {
  readonly title: string;
  readonly as: 'bot' | 'dashboard';
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  /** As the app writes them, into the query or the body. */
  readonly params: string;
  /** The status that a sound proxy answers with. */
  readonly expect: number;
}

/** What came back to the app. */
export interface DemoAnswer {
  readonly status: number;
  readonly error: string | undefined;
  readonly requestId: string;
  readonly text: string;
}
