import { verifyFrameSignature } from '../../core/access/frame-signature.ts';
import type { WsFrame } from '../../core/frames/frame.ts';
import type { WsMethod } from '../../core/frames/frame-methods.ts';
import type { SocketFamily } from '../../core/upstream.ts';
import type { Proof, ProvenCall } from '../../pipeline/authenticate.ts';
import type { CallContext } from '../../pipeline/call-context.ts';
import { identify } from '../../pipeline/clients/identify.ts';
import { acceptParameters } from '../../pipeline/recognise.ts';
import type { Pipeline } from '../../pipeline/wire-pipeline.ts';
import { clientOfFrame, type Speakers } from './frame-client.ts';
import type { SocketIdentity } from './socket-identity.ts';

export interface FrameJudges extends Speakers {
  readonly pipeline: Pick<Pipeline, 'recognise' | 'authenticate'>;
  readonly family: SocketFamily;
}

/**
 * Recognise, identify and authenticate for the first frame of a socket, before there is one to Binance.
 * @throws ProxyError
 */
export function judgeFrame(judges: FrameJudges, context: CallContext, frame: WsFrame): ProvenCall {
  const { pipeline, family, identity } = judges;
  const { method, call, apiKey } = pipeline.recognise.frame(context, family, frame);
  const { endpoint } = method;
  const caller = identify(context, endpoint, clientOfFrame(judges, context.config, method, frame, apiKey));
  acceptParameters(context, { ...caller, endpoint }, call);
  const proof = proofOfFrame(identity, method, frame, apiKey);
  return pipeline.authenticate({ ...caller, endpoint, call }, proof);
}

/** In a frame a client signs its parameters; a session that it logged on proves as much. */
export function proofOfFrame(
  identity: SocketIdentity,
  { kind }: WsMethod,
  { params }: WsFrame,
  apiKey: string | undefined,
): Proof {
  return {
    door: 'socket',
    isLogon: kind === 'logon',
    verify: (key, signature) => verifyFrameSignature(key, signature, params),
    isLoggedOn: (client) => identity.isProven(client, apiKey),
  };
}
