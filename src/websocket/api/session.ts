import type { WsFrame } from '../../core/frames/frame.ts';
import type { ProvenCall } from '../../pipeline/authenticate.ts';
import type { SocketIdentity } from './socket-identity.ts';

/**
 * A session between the app and the proxy: Binance never hears of it, because every frame is signed by itself. So it
 * works with every type of key, and no client can come to another's.
 * @see https://developers.binance.com/docs/binance-spot-api-docs/web-socket-api#session-authentication
 */
export function answerSession(
  identity: SocketIdentity,
  kind: 'logon' | 'status' | 'logout',
  frame: WsFrame,
  { client, signed }: ProvenCall,
  nowMs: number,
): Readonly<Record<string, unknown>> {
  if (kind === 'logon') {
    const apiKey = frame.params.find(({ name, value }) => name === 'apiKey' && value !== '')?.value;
    identity.logOn({ apiKey, client, signedBy: signed?.signedBy, sinceMs: nowMs });
    signed?.use.keep();
  }
  if (kind === 'logout') identity.logOut();
  const { session } = identity;
  return {
    apiKey: session === undefined ? null : (session.apiKey ?? ''),
    authorizedSince: session?.sinceMs ?? null,
    connectedSince: identity.sinceMs,
    returnRateLimits: true,
    serverTime: nowMs,
    userDataStream: false,
  };
}
