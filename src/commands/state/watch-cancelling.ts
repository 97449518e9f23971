import type { AskOperator } from '../operator/ask-operator.ts';
import type { ShownStates } from './state-lines.ts';

const EVERY_MS = 500;
const CLEAR_LINE = '\r\u001b[K';

/** Shows on a terminal how far the cancelling has come, until it is stopped. */
export function watchCancelling(
  ask: AskOperator,
  terminal: Pick<NodeJS.WriteStream, 'isTTY' | 'write'>,
): { stop(): void } {
  if (!terminal.isTTY) return { stop() {} };
  let isOver = false;
  const timer = setInterval(() => {
    void ask('GET', '/operator/state').then(
      ({ body }) => {
        const [going] = (body as ShownStates).cancelling;
        if (going === undefined || isOver) return;
        terminal.write(`${CLEAR_LINE}${going.cancelled} cancelled, ${going.left} left …`);
      },
      () => {},
    );
  }, EVERY_MS);
  return {
    stop() {
      if (!isOver) terminal.write(CLEAR_LINE);
      isOver = true;
      clearInterval(timer);
    },
  };
}
