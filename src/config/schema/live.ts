import type { Settings } from './settings.ts';

type Reach = Pick<Settings, 'environment' | 'upstreams' | 'spotOrigins' | 'socketUpstreams'>;

/** Under these stand all hosts where keys of the live exchange sign; those of demo mode have names of their own there. */
const LIVE_DOMAIN = /^(?:.+\.)?binance\.com$/;
const PLAY_HOST = /^(?:demo|testnet)\b/;

/** Whether calls go to the live exchange: by the environment's name, or by any origin, whatever the name says. */
export function reachesLive({ environment, upstreams, spotOrigins, socketUpstreams }: Reach): boolean {
  const origins = [...Object.values(upstreams), ...spotOrigins, ...Object.values(socketUpstreams)];
  return environment === 'live' || origins.some((origin) => origin !== undefined && isLiveOrigin(origin));
}

/** Where keys are asked about: what is known of a key there says nothing about another place. */
export function exchangeOf({ isLive, upstreams }: Pick<Settings, 'isLive' | 'upstreams'>): string {
  return isLive ? 'live' : (upstreams.spot ?? 'none');
}

function isLiveOrigin(origin: string): boolean {
  const host = new URL(origin).hostname.replace(/\.$/, '');
  return LIVE_DOMAIN.test(host) && !PLAY_HOST.test(host);
}
