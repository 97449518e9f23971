import type { Call } from '../call/call.ts';
import { decodedValue, encodeComponent } from '../call/form.ts';
import type { Endpoint } from '../catalogue/endpoint.ts';
import type { JsonMember } from '../json.ts';

const STAMP = { apiKey: undefined, signature: undefined, timestamp: undefined, recvWindow: undefined };

/** A frame as a call of its REST twin, so that one set of rules judges both. */
export interface FrameCall {
  readonly call: Call;
  /** The parameters without the client's own key, stamp and signature. */
  readonly params: readonly JsonMember[];
  /** The key in the frame; undefined or empty when the client sent none. */
  readonly apiKey: string | undefined;
}

/** Takes the client's stamp out of a frame and reads the rest as the parameters of `endpoint`. */
export function toFrameCall(
  endpoint: Pick<Endpoint, 'upstream' | 'method' | 'path'>,
  params: readonly JsonMember[],
): FrameCall {
  const stamp: Record<keyof typeof STAMP, string | undefined> = { ...STAMP };
  const kept: JsonMember[] = [];
  for (const member of params) {
    if (isStamp(member.name)) stamp[member.name] = member.value;
    else kept.push(member);
  }
  const { apiKey, ...own } = stamp;
  const { upstream, method, path } = endpoint;
  const query = kept.map(({ name, value }) => ({ name, text: `${name}=${encodeComponent(value)}` }));
  return {
    call: { method, upstream, path, query, body: [], repeated: [], stamp: own },
    params: kept,
    apiKey,
  };
}

/** The parameters to send, with the client order ids of `named`. What the client sent keeps its own text. */
export function withOrderIds(params: readonly JsonMember[], named: Call): readonly JsonMember[] {
  const written = new Map(params.map((member) => [member.name, member]));
  return named.query.map((pair) => {
    const own = written.get(pair.name);
    if (own !== undefined && own.value !== '') return own;
    return { name: pair.name, value: decodedValue(pair) ?? '', kind: 'string' };
  });
}

function isStamp(name: string): name is keyof typeof STAMP {
  return Object.hasOwn(STAMP, name);
}
