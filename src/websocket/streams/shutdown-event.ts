/** The notice of a shutdown, as Binance's streams write it. */
export function shutdownEvent(nowMs: number, isCombined: boolean): string {
  const event = `{"e":"serverShutdown","E":${Math.floor(nowMs)}}`;
  return isCombined ? `{"stream":"!serverShutdown","data":${event}}` : event;
}
