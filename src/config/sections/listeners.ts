import { resolve } from 'node:path';
import type { LayeredConfig } from '../schema/layered-config.ts';
import { DEFAULTS } from '../schema/schema.ts';
import type { Settings } from '../schema/settings.ts';
import type { ConfigSources } from '../sources/read-secret.ts';
import type { YamlPath } from '../sources/yaml-file.ts';
import { hostsOverlap, isHost, isLoopback } from './hosts.ts';
import { readByName, readTlsFiles } from './tls/tls-files.ts';

const NOT_A_HOST = 'must be a host name or an IP address without scheme, port and brackets';

/**
 * Reads where apps and operators connect. A configured Unix socket takes the place of host and port, also of those
 * that an image has set.
 * @param keyExpected whether callers have to show an issued key, without which only this machine may reach the listener
 */
export function readListeners(
  sources: ConfigSources,
  layered: LayeredConfig,
  keyExpected: boolean,
): Pick<Settings, 'server' | 'operator'> {
  const { server, operator } = layered.config;
  const socket = server?.socket === undefined ? undefined : resolve(sources.cwd, server.socket);
  const host = readHost(layered, ['server', 'host'], server?.host ?? DEFAULTS.host);
  const port = server?.port ?? DEFAULTS.port;
  const operatorHost = readHost(layered, ['operator', 'host'], operator?.host ?? DEFAULTS.operatorHost);
  const operatorPort = operator?.port ?? DEFAULTS.operatorPort;
  const byName = readByName(sources, layered);
  if (socket === undefined && server?.socketGroup !== undefined) {
    layered.report(['server', 'socketGroup'], 'has an effect together with a socket only: set that too');
  }
  // The listener by name is on the host also where a Unix socket takes the place of the plain port.
  if (socket === undefined || byName !== undefined) {
    if (isHost(host) && !isLoopback(host) && !keyExpected) {
      layered.report(
        ['server', 'host'],
        'opens the proxy to other machines, but no client key is configured: set BINANCE_PROXY_CLIENT_KEY to a key that `client new` creates, or listen on localhost',
      );
    }
    const ports = [...(socket === undefined ? [port] : []), ...(byName?.ports ?? [])].filter(
      (each) => each !== 0,
    );
    if (ports.includes(operatorPort) && hostsOverlap(host, operatorHost)) {
      layered.report(['operator', 'port'], 'is also the port for apps: set another one');
    }
    if (new Set(ports).size < ports.length) {
      layered.report(['server', 'byName', 'ports'], 'has a port twice, or the one of the plain listener');
    }
  }
  const allowedHosts = server?.allowedHosts ?? [];
  if (!allowedHosts.every(isHost))
    layered.report(['server', 'allowedHosts'], `has a name that is none: each ${NOT_A_HOST}`);
  return {
    server: {
      host,
      port,
      socket,
      socketGroup: server?.socketGroup,
      allowedHosts: allowedHosts.map((name) => name.toLowerCase()),
      tls: readTlsFiles(sources, layered),
      byName,
    },
    operator: { host: operatorHost, port: operatorPort, origin: operator?.origin?.toLowerCase() },
  };
}

function readHost(layered: LayeredConfig, path: YamlPath, text: string): string {
  if (!isHost(text)) layered.report(path, NOT_A_HOST);
  return text;
}
