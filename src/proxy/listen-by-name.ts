import type { FastifyInstance } from 'fastify';
import type { Settings } from '../config/schema/settings.ts';
import { createNamedServer } from '../http/by-name.ts';
import { type Pem, renewCertificate } from '../http/http-server.ts';
import { addressesOf, listenToo } from './listen.ts';
import { BY_NAME_VARIABLES, listenTrouble } from './listen-trouble.ts';

type ByName = Settings['server']['byName'];

/** The TLS listeners that apps reach by the names of Binance's hosts. */
export interface NamedListeners {
  /** The ports that they are on. */
  readonly ports: readonly number[];
  /** Puts a new certificate in place for new connections. */
  renew(byName: ByName): void;
}

/** Opens the listeners by name; they end with the listener for apps, whose HTTP server serves what they take in. */
export async function listenByName(
  app: FastifyInstance,
  { host, byName }: Settings['server'],
): Promise<NamedListeners> {
  const servers: ReturnType<typeof createNamedServer>[] = [];
  const ports: number[] = [];
  async function open(pem: Pem, wanted: number): Promise<void> {
    let port = wanted;
    for (const [index, address] of addressesOf(host).entries()) {
      const server = createNamedServer(app.server, pem);
      const opened = await listenToo(app, server, { address, port, isOptional: index > 0 });
      if (opened === undefined) continue;
      servers.push(server);
      port = opened;
    }
    ports.push(port);
  }

  for (const port of byName?.ports ?? []) {
    try {
      if (byName !== undefined) await open(byName, port);
    } catch (error) {
      throw listenTrouble(error, { host, port, socket: undefined, variables: BY_NAME_VARIABLES });
    }
  }
  return {
    ports,
    renew(next) {
      for (const server of servers) renewCertificate(server, next);
    },
  };
}
