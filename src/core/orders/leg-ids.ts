/**
 * The parameters that carry the client order id of each order of a list, and what is put behind the request id so that
 * the ids of one list stay distinct.
 */
export const LEG_MARKS: ReadonlyMap<string, string> = new Map([
  ['limitClientOrderId', '-l'],
  ['stopClientOrderId', '-s'],
  ['aboveClientOrderId', '-a'],
  ['belowClientOrderId', '-b'],
  ['workingClientOrderId', '-w'],
  ['pendingClientOrderId', '-p'],
  ['pendingAboveClientOrderId', '-pa'],
  ['pendingBelowClientOrderId', '-pb'],
]);

/** The names of these parameters. */
export const LEG_IDS: readonly string[] = [...LEG_MARKS.keys()];
