import { ProxyError } from '../../core/errors.ts';

const NO_WAY = 'way out';
const NOT_BEYOND = 'beyond the way out';

/**
 * The refusal of what cannot leave because its way out is closed: a proxy that is away or refuses us, an address that
 * this machine does not have. It says nothing about Binance.
 * @param setting the setting that names the way; its address is a secret
 */
export function noWayOut(setting: string, why: string): ProxyError {
  return refusal(setting, why, NO_WAY);
}

/** The refusal of what found its way out open and Binance not at its end. */
export function nothingBeyond(setting: string, why: string): ProxyError {
  return refusal(setting, why, NOT_BEYOND);
}

/** Whether a connection failed before it was Binance's turn. */
export function isWayOutClosed(error: Error): boolean {
  return error instanceof ProxyError && error.rule === NO_WAY;
}

function refusal(setting: string, why: string, rule: string): ProxyError {
  const message = `Binance could not be reached through ${setting}: ${why}. Nothing was sent.`;
  return new ProxyError('PROXY_UPSTREAM_UNREACHABLE', message, { rule });
}
