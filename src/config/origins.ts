import type { Draft } from './draft.ts';
import { ENVIRONMENTS, ORIGIN_NAMES, SOCKET_ORIGIN_NAMES } from './environments.ts';
import { isLoopback } from './hosts.ts';
import type { EnvironmentName, Settings } from './settings.ts';

/** The environment's origins with the configured ones in their place. */
export function readOrigins(
  draft: Draft,
  environment: EnvironmentName,
): Pick<Settings, 'upstreams' | 'socketUpstreams'> {
  const origins = { ...ENVIRONMENTS[environment] };
  for (const name of ORIGIN_NAMES) {
    const text = draft.config.upstreams?.[name];
    if (text === undefined) continue;
    const isSocket = SOCKET_ORIGIN_NAMES.some((candidate) => candidate === name);
    const origin = readOrigin(text, isSocket ? 'ws' : 'http');
    if (origin.wrong === undefined) origins[name] = origin.text;
    else draft.report(['upstreams', name], origin.wrong);
  }
  const { spot, usdm, coinm, options, portfolio, web, ...socketUpstreams } = origins;
  return { upstreams: { spot, usdm, coinm, options, portfolio, web }, socketUpstreams };
}

/** Reads an origin; in clear text to a loopback address only, because the API key would travel readable. */
function readOrigin(text: string, scheme: 'http' | 'ws'): { text?: string; wrong?: string } {
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
