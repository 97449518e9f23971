/** The answer to `GET /operator/state`. */
export interface ShownStates {
  readonly states: readonly ShownState[];
  readonly cancelling: readonly ShownCancelling[];
}

interface ShownState {
  readonly scope: string;
  readonly name: string;
  readonly state: string;
  readonly reason: string;
  readonly operator: string;
  readonly sinceMs: number;
}

/** How far the cancelling of one scope has come. */
interface ShownCancelling {
  readonly scope: string;
  readonly name: string;
  readonly cancelled: number;
  readonly left: number;
}

/** The answer to `POST /operator/states`. */
export interface ShownEntered {
  readonly state: string;
  readonly scope: string;
  readonly name: string;
  readonly persistent: boolean;
  readonly already: boolean;
  readonly cancelled: number;
  readonly left: readonly {
    readonly account: string;
    readonly market: string;
    readonly symbol?: string;
    readonly orderId?: string;
    readonly clientOrderId?: string;
    readonly why: string;
  }[];
  readonly notes: readonly string[];
}

/** One line for each scope that has a state. */
export function stateLines({ states, cancelling }: ShownStates): readonly string[] {
  const lines = states.map(({ scope, name, state, reason, operator, sinceMs }) => {
    const since = new Date(sinceMs).toISOString();
    return `${named(scope, name)}: ${state} since ${since} by ${operator}: ${reason}`;
  });
  const going = cancelling.map(
    ({ scope, name, cancelled, left }) =>
      `${named(scope, name)}: cancelling goes on, ${cancelled} cancelled, ${left} left`,
  );
  return states.length === 0 ? ['run: nothing is stopped', ...going] : [...lines, ...going];
}

/** What became of a state that was set. */
export function enteredLines(entered: ShownEntered): readonly string[] {
  const { state, scope, name, already, cancelled, left, notes } = entered;
  const who = named(scope, name);
  const lines = [already ? `${who} was ${state} already.` : `${who} is ${state}.`];
  if (cancelled > 0 || left.length > 0)
    lines.push(`${cancelled} cancelled, ${left.length} left${left.length > 0 ? '; the proxy goes on' : ''}.`);
  for (const { account, market, symbol, orderId, clientOrderId, why } of left)
    lines.push(`  ${[account, market, symbol, orderId, clientOrderId].filter(Boolean).join(' ')}: ${why}`);
  return [...lines, ...notes];
}

function named(scope: string, name: string): string {
  return scope === 'proxy' ? 'the proxy' : `${scope} ${name}`;
}
