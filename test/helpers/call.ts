import { type Call, readCall } from '../../src/core/call.ts';

/** Reads a call as the route does; the body is given as text. */
export function callOf(method: string, target: string, body = ''): Call {
  return readCall(method, target, Buffer.from(body));
}

/** The name of the ProxyError that `act` throws, with its rule; fails when it throws anything else or nothing. */
export function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof Error && error.name.startsWith('PROXY_')) return error.name;
    throw error;
  }
  throw new Error('nothing was refused');
}
