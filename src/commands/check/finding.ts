/** One thing that `check` looked at. */
export interface Finding {
  readonly what: string;
  readonly level: 'ok' | 'warning' | 'problem';
  readonly sentence: string;
}

export function fine(what: string, sentence: string): Finding {
  return { what, level: 'ok', sentence };
}

export function problem(what: string, sentence: string): Finding {
  return { what, level: 'problem', sentence };
}
