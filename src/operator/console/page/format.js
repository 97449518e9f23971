const pad = (number) => String(number).padStart(2, '0');

/** The time of day here, with tenths of a second. */
export function timeOfDay(time) {
  const at = new Date(time);
  return `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}.${Math.floor(at.getMilliseconds() / 100)}`;
}

export function dayOf(time) {
  const at = new Date(time);
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
}

export function ago(thenMs, nowMs) {
  if (!thenMs) return 'never since the start';
  return `${duration(Math.max(0, nowMs - thenMs))} ago`;
}

export function duration(ms) {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
}

/** A duration of a call. */
export function millis(ms) {
  if (ms === undefined || ms === null) return '–';
  if (ms >= 1000) return `${(ms / 1000).toFixed(2)} s`;
  return `${ms >= 100 ? ms.toFixed(0) : ms >= 1 ? ms.toFixed(1) : ms.toFixed(2)} ms`;
}

export function count(number) {
  return new Intl.NumberFormat('en-GB').format(number);
}

/** The minutes and seconds until then, for a countdown. */
export function countdown(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  return `${Math.floor(seconds / 60)}:${pad(seconds % 60)}`;
}

const KINDS = {
  raw: 'requests',
  rolling: 'connections',
  share: 'weight',
  'order-share': 'orders',
  'connection-share': 'connections',
};

/** What a budget is, in words. */
export function budgetName({ scope, kind, upstream, windowMs, key }) {
  const [, call] = /:sapi:(.*):1M$/.exec(key) ?? [];
  const [, owner] = /^(?:account|client):([^:]+):/.exec(key) ?? [];
  const [, client] = /:client:(.*)$/.exec(key) ?? [];
  const what = call ?? `${upstream} ${KINDS[kind] ?? kind}`;
  const whose = scope === 'ip' || owner === undefined ? '' : ` of ${owner}`;
  return `${what}${whose}${client === undefined ? '' : `, part of ${client}`}, ${span(windowMs)}`;
}

/** True for what all clients share, of which parts are kept. */
export function isShared({ scope, kind, key }) {
  return scope === 'ip' && (kind === 'weight' || kind === 'raw') && !key.includes(':sapi:');
}

function span(ms) {
  if (ms >= 86_400_000) return 'a day';
  if (ms === 60_000) return 'a minute';
  return ms > 60_000 ? `${ms / 60_000} min` : `${ms / 1000} s`;
}
