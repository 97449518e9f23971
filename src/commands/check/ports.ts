import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import type { Settings } from '../../config/schema/settings.ts';
import { isWildcard } from '../../config/sections/hosts.ts';
import { isServed } from '../../proxy/listen.ts';
import { APP_VARIABLES, listenTrouble, OPERATOR_VARIABLES, type Place } from '../../proxy/listen-trouble.ts';
import { type Finding, fine, problem } from './finding.ts';

const ANSWERS_WITHIN_MS = 2_000;

/** Whether a proxy answers where this configuration has its listener for operators. */
export async function isProxyRunning({ operator: { host, port } }: Settings): Promise<boolean> {
  if (port === 0) return false;
  const name = isWildcard(host) ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  try {
    const answer = await fetch(`http://${name}:${port}/livez`, {
      signal: AbortSignal.timeout(ANSWERS_WITHIN_MS),
    });
    return answer.status === 200 && (await answer.text()) === '{"status":"ok"}';
  } catch {
    return false;
  }
}

/** Tries the addresses that a start would listen on, for as long as it takes to find out. */
export async function examinePorts(
  { server, operator }: Settings,
  isRunning: boolean,
): Promise<readonly Finding[]> {
  const apps = { ...server, variables: APP_VARIABLES };
  const operators = { ...operator, socket: undefined, variables: OPERATOR_VARIABLES };
  return [
    await examine('port for apps', apps, isRunning),
    await examine('port for operators', operators, isRunning),
  ];
}

async function examine(what: string, place: Place, isRunning: boolean): Promise<Finding> {
  const { host, port, socket } = place;
  const name = socket === undefined ? `${host}:${port}` : `the socket ${socket}`;
  if (socket === undefined && port === 0) return fine(what, 'any free one');
  try {
    if (socket === undefined) await tryPort(host, port);
    else await trySocket(socket);
    return fine(what, `${name} is free`);
  } catch (error) {
    const trouble = listenTrouble(error, place);
    if (trouble.code === 'EADDRINUSE' && isRunning)
      return fine(what, `${name} is served by the proxy that runs here`);
    return problem(what, trouble.message);
  }
}

async function tryPort(host: string, port: number): Promise<void> {
  const server = createServer();
  server.listen({ host: host === 'localhost' ? '127.0.0.1' : host, port, exclusive: true });
  await once(server, 'listening');
  server.close();
  await once(server, 'close');
}

async function trySocket(path: string): Promise<void> {
  if (await isServed(path)) throw Object.assign(new Error('the socket is served'), { code: 'EADDRINUSE' });
  accessSync(dirname(path), constants.W_OK | constants.X_OK);
}
