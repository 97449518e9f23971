import type { Client } from '../../core/access/client.ts';
import type { WsFrame } from '../../core/frames/frame.ts';
import type { WsMethod } from '../../core/frames/frame-methods.ts';
import type { LiveConfig } from '../../pipeline/live-config.ts';
import { unknownClient } from '../../pipeline/refusals.ts';
import { mayAnybodyRead } from '../sockets/read-right.ts';
import type { Readers } from '../sockets/readers.ts';
import type { SocketIdentity } from './socket-identity.ts';

/** What one socket knows about who speaks on it. */
export interface Speakers {
  readonly identity: SocketIdentity;
  readonly readers: Readers;
}

/**
 * Who speaks in a frame: the client of its key, of the session or of the upgrade. Without any, a listen token says by
 * itself who may read with it; and what needs no key is anonymous or, where that is shut out, of the client that showed
 * itself on this socket last.
 * @throws ProxyError PROXY_UNKNOWN_CLIENT
 */
export function clientOfFrame(
  { identity, readers }: Speakers,
  config: LiveConfig,
  { endpoint, bearer }: WsMethod,
  { params }: WsFrame,
  apiKey: string | undefined,
): Client {
  const showsKey = apiKey !== undefined && apiKey !== '';
  let client = identity.clientFor(config, apiKey);
  if (client === undefined && bearer !== undefined && !showsKey)
    client = bearerOf(readers, config, params.find(({ name }) => name === bearer)?.value ?? '');
  if (client === undefined && endpoint.security === 'NONE')
    client = readers.anonymous(config) ?? (showsKey ? undefined : identity.lastShown(config));
  if (client === undefined) throw unknownClient();
  return client;
}

/** Who may read by a token: its client or, where nobody here knows it, somebody without an account. */
function bearerOf(readers: Readers, config: LiveConfig, token: string): Client | undefined {
  const reader = readers.readerOf(token, config);
  if (reader !== 'unknown') return reader;
  const anonymous = mayAnybodyRead(config) ? readers.anonymous(config) : undefined;
  return anonymous && { ...anonymous, permissions: new Set([...anonymous.permissions, 'read'] as const) };
}
