import { ANONYMOUS, type Client } from '../core/access/client.ts';
import { denylistRefusal } from '../core/access/policy.ts';
import type { Call } from '../core/call/call.ts';
import { assertLetterCase } from '../core/call/letter-case.ts';
import { assertPlainParameters } from '../core/call/plain-parameters.ts';
import type { Catalogue } from '../core/catalogue/catalogue.ts';
import type { Endpoint } from '../core/catalogue/endpoint.ts';
import { retiredMethod, retiredPath } from '../core/catalogue/retired.ts';
import { ProxyError } from '../core/errors.ts';
import type { WsFrame } from '../core/frames/frame.ts';
import { type FrameCall, toFrameCall } from '../core/frames/frame-call.ts';
import type { WsMethod, WsMethods } from '../core/frames/frame-methods.ts';
import type { SocketFamily } from '../core/upstream.ts';
import type { CallContext } from './call-context.ts';
import { unknownEndpoint } from './refusals.ts';

export interface RecogniseDeps {
  readonly catalogue: Catalogue;
  readonly methods: WsMethods;
}

/** A frame with the method that it names. */
interface RecognisedFrame extends FrameCall {
  readonly method: WsMethod;
}

/** Says what a call is: first the denylist, then the catalogue. */
export interface Recognise {
  /** @throws ProxyError PROXY_DENYLISTED, PROXY_UNKNOWN_ENDPOINT */
  request(context: CallContext, head: Call): Endpoint;
  /** @throws ProxyError PROXY_DENYLISTED, PROXY_UNKNOWN_ENDPOINT */
  frame(context: CallContext, family: SocketFamily, frame: WsFrame): RecognisedFrame;
}

export function createRecognise({ catalogue, methods }: RecogniseDeps): Recognise {
  function assertNotDenied({ config }: CallContext, path: string): void {
    const denied = config.denylist.match(path);
    if (denied !== undefined) throw denylistRefusal(denied);
  }

  return {
    request(context, head) {
      context.noteCall(head);
      assertNotDenied(context, head.path);
      const endpoint = head.upstream && catalogue.find(head.upstream, head.method, head.path);
      if (endpoint === undefined || context.config.pools.get(endpoint.upstream) === undefined)
        throw unknownEndpoint('endpoint', retiredPath(head.path));
      context.noteEndpoint(endpoint);
      return endpoint;
    },
    frame(context, family, { method: name, params }) {
      const method = methods.find(family, name);
      if (method === undefined) throw unknownEndpoint('method', retiredMethod(family, name));
      const frame = toFrameCall(method.endpoint, params);
      context.noteCall(frame.call);
      context.noteEndpoint(method.endpoint);
      assertNotDenied(context, method.endpoint.path);
      return { ...frame, method };
    },
  };
}

/** Whose parameters are taken up, and of what. */
interface Accepting {
  readonly endpoint: Endpoint;
  readonly client: Client;
}

/**
 * Takes up the whole call once its body was read.
 * @throws ProxyError PROXY_DUPLICATE_PARAMETER for a name that stands twice where the catalogue does not allow it;
 *   PROXY_MALFORMED_REQUEST for what no public parameter holds, from a caller without a key, for a recvWindow that no call can keep, and for a misspelt parameter of an order
 */
export function acceptParameters(context: CallContext, { endpoint, client }: Accepting, call: Call): Call {
  context.noteCall(call);
  if (client.name === ANONYMOUS) assertPlainParameters(call);
  for (const name of call.repeated) {
    if (endpoint.repeatable.includes(name)) continue;
    throw new ProxyError('PROXY_DUPLICATE_PARAMETER', 'Duplicate values for a parameter detected.', {
      rule: 'repeated name',
    });
  }
  if (isOrdering(endpoint)) assertLetterCase(call);
  return call;
}

/** Also true for trial orders, which are judged like real ones. */
function isOrdering({ effect, orderShape }: Endpoint): boolean {
  return effect === 'place' || effect === 'amend' || orderShape !== undefined;
}
