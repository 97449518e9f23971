import { ProxyError } from '../../core/errors.ts';
import { readOrderAnswer } from '../../core/outcome/order-answer.ts';
import type { Credential } from '../../core/signing/credential.ts';
import type { OwnCall, OwnCalls } from '../../pipeline/own-calls/own-call.ts';
import type { OwnAnswer } from '../../pipeline/own-calls/text-carrier.ts';
import type { BuiltProxy } from '../../proxy/build.ts';
import { causeOf } from '../../upstream/connections/connection-trouble.ts';
import { addressIn } from '../../upstream/key-refusals.ts';
import type { ClockState } from '../../upstream/server-clock.ts';

export interface KeyDiagnosis {
  /** True when Binance accepted a signed call. */
  readonly accepted: boolean;
  readonly sentences: readonly string[];
}

/** A signed read that every environment has, and one whose refusal names the caller's address. */
const SIGNED_READ: OwnCall = { upstream: 'spot', target: '/api/v3/account?omitZeroBalances=true' };
const ADDRESS_READ: OwnCall = { upstream: 'usdm', target: '/fapi/v3/balance' };

/** Drift and round trip in words. */
export function describeClock({ offsetMs = 0, roundTripMs = 0 }: ClockState): string {
  const drift =
    offsetMs === 0
      ? 'exactly on time'
      : `${Math.abs(offsetMs)} ms ${offsetMs > 0 ? 'behind' : 'ahead of'} the exchange`;
  const harmless =
    Math.abs(offsetMs) > 500 ? ' The proxy stamps with the time of the exchange all the same.' : '';
  return `this machine is ${drift} (round trip ${Math.round(roundTripMs)} ms).${harmless}`;
}

/** Why the time of the exchange could not be read. */
export async function diagnoseClock(ownCalls: OwnCalls): Promise<readonly string[]> {
  try {
    const answer = await ownCalls.get({ upstream: 'spot', target: '/api/v3/time' });
    return answer.status === 200 ? ['It answers now: run the check again.'] : explainStatus(answer.status);
  } catch (error) {
    return explainError(error);
  }
}

/** Signs one harmless read with the key of an account, or with another one of it, and turns a refusal into its cause. */
export async function diagnoseKey(
  { ownCalls, clock, app }: BuiltProxy,
  account: string,
  credential?: Credential,
): Promise<KeyDiagnosis> {
  const key = credential === undefined ? { account } : { account, credential };
  let answer: OwnAnswer;
  try {
    answer = await ownCalls.get({ ...SIGNED_READ, ...key });
  } catch (error) {
    return { accepted: false, sentences: explainError(error) };
  }
  if (answer.status === 200) return { accepted: true, sentences: ['Binance accepted its signature.'] };
  const { code } = readOrderAnswer(answer.text);
  const said = `Binance answered HTTP ${answer.status}${code === undefined ? '' : `, code ${code}`}.`;
  switch (code) {
    case -1021:
      return refused(said, explainTimestamp(clock.state, app.config().settings.recvWindowMs));
    case -1022:
      return refused(said, explainSignature(answer.signedText));
    case -2014:
      return refused(said, [
        '-2014, this is not what an API key looks like: copy it again, without the secret.',
      ]);
    case -2015:
      return refused(said, [...KEY_REFUSED, await explainAddress(ownCalls, key, answer.text)]);
    default:
      return refused(said, explainStatus(answer.status));
  }
}

function refused(said: string, sentences: readonly string[]): KeyDiagnosis {
  return { accepted: false, sentences: [said, ...sentences.map((sentence) => `  ${sentence}`)] };
}

function explainTimestamp(clock: ClockState, recvWindowMs: number): readonly string[] {
  const roundTripMs = Math.round(clock.roundTripMs ?? 0);
  const measured = `-1021, timestamp outside of recvWindow. Measured: ${describeClock(clock)}`;
  const cause =
    roundTripMs / 2 > recvWindowMs
      ? `Half the round trip is longer than recvWindow (${recvWindowMs} ms): raise BINANCE_PROXY_RECV_WINDOW_MS.`
      : `recvWindow is ${recvWindowMs} ms, so neither drift nor distance explains it: something holds calls up on their way.`;
  return [measured, cause];
}

function explainSignature(signedText: string | undefined): readonly string[] {
  return [
    '-1022, signature not valid. The bytes that were signed, and what followed them:',
    `  ${signedText ?? ''}&signature=***`,
    'They are what was sent, so the secret or private key is not the one that belongs to this API key: copy both again.',
  ];
}

const KEY_REFUSED = [
  '-2015, the key is not accepted. Either it is unknown there (live, testnet and demo have keys of their own),',
  'or it lacks the permission to read, or this machine’s address is not on its IP list.',
];

/** The futures hosts name the address that they were called from in their refusal. */
async function explainAddress(
  ownCalls: OwnCalls,
  key: Pick<OwnCall, 'account' | 'credential'>,
  text: string,
): Promise<string> {
  const unknown =
    'Binance did not tell the address that it saw; ask your provider for this machine’s egress address.';
  let address = addressIn(text);
  try {
    address ??= addressIn((await ownCalls.get({ ...ADDRESS_READ, ...key })).text);
  } catch {
    return unknown;
  }
  return address === undefined
    ? unknown
    : `Binance sees this machine as ${address}: that is what the IP list needs.`;
}

function explainStatus(status: number): readonly string[] {
  switch (status) {
    case 403:
      return [
        '403, the firewall of Binance refused this machine before any key was looked at: too many calls, or an address',
        'that it distrusts (VPN, cloud). Wait some minutes; an address of another provider helps if it stays.',
      ];
    case 451:
      return ['451, Binance does not serve the region of this machine’s address.'];
    case 418:
    case 429:
      return [
        `${status}, this address sent too much. Nothing may be sent until the time that Binance named is over.`,
      ];
    default:
      return [`HTTP ${status} says no more than that: try again, and look at Binance’s status page.`];
  }
}

function explainError(error: unknown): readonly string[] {
  if (error instanceof ProxyError) {
    const status = /frozen by (\d{3})$/.exec(error.rule ?? '')?.[1];
    return status === undefined ? [error.message] : [...explainStatus(Number(status)), error.message];
  }
  const { code, kind, what } = causeOf(error);
  const sentence = `No connection to Binance (${code ?? kind}): ${what}.`;
  const variable = kind === 'answer' ? undefined : WAY_OUT.find((name) => process.env[name]);
  if (variable === undefined) return [sentence];
  return [
    sentence,
    `${variable} is set, but the way to Binance does not go by it: set BINANCE_PROXY_EGRESS_PROXY where a proxy leads there.`,
  ];
}

/** The variables by which other programs are told of a proxy on their way. */
const WAY_OUT = ['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy', 'HTTP_PROXY', 'http_proxy'];
