import type { ServerResponse } from 'node:http';

/** From now on the client's connection is cut when it takes no byte for so long. */
export function cutOffWhenUnread(response: ServerResponse, slowReaderMs: number): void {
  response.setTimeout(slowReaderMs);
}

/** Calls back once when the client has read, or is gone; meanwhile it is cut off when it reads nothing. */
export function whenReadOn(response: ServerResponse, slowReaderMs: number, goOn: () => void): void {
  const onceOnly = () => {
    response.off('drain', onceOnly);
    response.off('close', onceOnly);
    response.setTimeout(0);
    goOn();
  };
  cutOffWhenUnread(response, slowReaderMs);
  response.on('drain', onceOnly);
  response.on('close', onceOnly);
}
