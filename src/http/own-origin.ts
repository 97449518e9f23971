import { TLSSocket } from 'node:tls';
import type { FastifyRequest } from 'fastify';

type RawRequest = FastifyRequest['raw'];

/** No browser writes the schemes of sockets into an Origin; IXWebSocket does. */
const PLAIN = { schemes: ['http', 'ws'], port: 80 };
const ENCRYPTED = { schemes: ['https', 'wss'], port: 443 };
const ORIGIN = /^([a-z]{2,5}):\/\/(.+)$/;
const PORT = /:(\d{1,5})$/;
const SEC_FETCH = 'sec-fetch-';

/**
 * True when an Origin is where the request itself goes: scheme, name and port are those of its Host. Libraries that fill
 * it in so (websocket-client for Python, Netty, IXWebSocket) are no browsers. A page would have to come from this very
 * listener, which serves none, and its browser would say `Sec-Fetch-Site` as well.
 * @param host a Host that was found to be trusted
 */
export function isOwnOrigin({ headers, socket }: RawRequest, host: string): boolean {
  for (const name in headers) if (name.startsWith(SEC_FETCH)) return false;
  const { schemes, port } = socket instanceof TLSSocket ? ENCRYPTED : PLAIN;
  const [, scheme = '', place = ''] = ORIGIN.exec((headers.origin ?? '').toLowerCase()) ?? [];
  return schemes.includes(scheme) && withPort(place, port) === withPort(host.toLowerCase(), port);
}

function withPort(place: string, usual: number): string {
  const port = Number(PORT.exec(place)?.[1] ?? usual);
  return `${place.replace(PORT, '')}:${port}`;
}
