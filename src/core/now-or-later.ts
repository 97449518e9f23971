/** What is mostly at hand, and has to be waited for now and then. */
export type NowOrLater<T> = T | Promise<T>;

/** Goes on with a value at once where it is there: a turn of the microtask queue costs more than most steps do. */
export function andThen<T, R>(value: NowOrLater<T>, next: (value: T) => NowOrLater<R>): NowOrLater<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}
