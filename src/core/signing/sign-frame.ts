import { byName, framePayload } from '../access/frame-signature.ts';
import { type JsonMember, memberText } from '../json.ts';
import type { Credential } from './credential.ts';
import type { Stamp } from './sign-call.ts';

/** A frame that Binance takes: API key, timestamp and signature in its sorted parameters. */
export function signFrame(
  id: string,
  method: string,
  params: readonly JsonMember[],
  credential: Credential,
  stamp: Stamp,
): string {
  const stamped: JsonMember[] = [
    ...params,
    { name: 'apiKey', value: credential.apiKey, kind: 'string' },
    // JSON knows no leading zeros.
    { name: 'recvWindow', value: stamp.recvWindow.replace(/^0+(?=\d)/, ''), kind: 'number' },
    { name: 'timestamp', value: String(stamp.timestampMs), kind: 'number' },
  ];
  stamped.sort(byName);
  const signature = credential.sign(framePayload(stamped));
  return frameText(id, method, [...stamped, { name: 'signature', value: signature, kind: 'string' }]);
}

/** A frame out of its parts, parameters in the order given; none are left out. */
export function frameText(id: string, method: string, params: readonly JsonMember[]): string {
  const members = params.map((member) => `${JSON.stringify(member.name)}:${memberText(member)}`).join(',');
  return `{"id":${id},"method":${JSON.stringify(method)},"params":{${members}}}`;
}
