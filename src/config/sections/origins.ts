import { SOCKET_UPSTREAM_NAMES, UPSTREAM_NAMES } from '../../core/upstream.ts';
import { ENVIRONMENTS, ORIGIN_NAMES, type OriginName, type Origins } from '../schema/environments.ts';
import type { LayeredConfig } from '../schema/layered-config.ts';
import type { EnvironmentName, Settings } from '../schema/settings.ts';
import { isLoopback } from './hosts.ts';

/** The environment's origins with the configured ones in their place. */
export function readOrigins(
  layered: LayeredConfig,
  environment: EnvironmentName,
): Pick<Settings, 'upstreams' | 'spotOrigins' | 'socketUpstreams'> {
  const origins = { ...ENVIRONMENTS[environment] };
  const further: string[] = [];
  for (const name of ORIGIN_NAMES) {
    const configured = layered.config.upstreams?.[name];
    if (configured === undefined) continue;
    const isSocket = SOCKET_UPSTREAM_NAMES.some((candidate) => candidate === name);
    for (const [index, text] of [configured].flat().entries()) {
      const origin = readOrigin(text, isSocket ? 'ws' : 'http');
      if (origin.text === undefined) layered.report(['upstreams', name], origin.wrong);
      else if (index === 0) origins[name] = origin.text;
      else if (origin.text !== origins[name] && !further.includes(origin.text)) further.push(origin.text);
    }
  }
  return {
    upstreams: pick(origins, UPSTREAM_NAMES),
    spotOrigins: further,
    socketUpstreams: pick(origins, SOCKET_UPSTREAM_NAMES),
  };
}

function pick<Name extends OriginName>(origins: Origins, names: readonly Name[]): Pick<Origins, Name> {
  return Object.fromEntries(names.map((name) => [name, origins[name]])) as Pick<Origins, Name>;
}

/** Reads an origin; in clear text to a loopback address only, because the API key would travel readable. */
function readOrigin(
  text: string,
  scheme: 'http' | 'ws',
): { text: string } | { text?: undefined; wrong: string } {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== `${scheme}:` && url.protocol !== `${scheme}s:`)) {
    return { wrong: `must be an origin that begins with ${scheme}s://, such as ${scheme}s://host` };
  }
  if (url.pathname !== '/' || /[?#@]/.test(text)) {
    return {
      wrong: "must be an origin without path, query and user name: the proxy adds each call's own path",
    };
  }
  if (url.protocol === `${scheme}:` && !isLoopback(url.hostname.replace(/^\[|\]$/g, ''))) {
    return { wrong: `must begin with ${scheme}s://: ${scheme}:// is accepted for a loopback address only` };
  }
  return { text: url.origin };
}
