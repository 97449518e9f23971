import { createPublicKey, hash, type KeyObject, timingSafeEqual, verify } from 'node:crypto';

/** The algorithms of passkeys by their COSE numbers. */
const PASSKEY_ALGORITHMS = { Ed25519: -8, ES256: -7, RS256: -257 } as const;

/** A passkey of an operator. Texts are base64url. */
export interface Passkey {
  readonly credentialId: string;
  readonly operator: string;
  /** The public half as SPKI, DER. */
  readonly publicKey: string;
  /** The COSE number that it was enrolled with; nothing that comes later changes it. */
  readonly algorithm: number;
}

/** What an authenticator answers to a challenge. Texts are base64url. */
export interface PasskeyAssertion {
  readonly credentialId: string;
  readonly clientDataJSON: string;
  readonly authenticatorData: string;
  readonly signature: string;
}

/** What an assertion has to be about. */
export interface PasskeyCeremony {
  /** The origin of the page, such as `http://localhost:8081`. Its name is the id of the relying party. */
  readonly origin: string;
  readonly challenge: Buffer;
}

/** The one decision that an assertion stands for. */
export interface ChallengedDecision {
  readonly approval: string;
  /** Random, used once; hex. */
  readonly nonce: string;
  readonly digest: string;
  readonly decision: 'approve' | 'deny';
  /** Until when it may be given, ms since the epoch. */
  readonly endMs: number;
}

const DECISION_DOMAIN = 'binance-signing-proxy approval decision 1';
const ENROLMENT_DOMAIN = 'binance-signing-proxy passkey enrolment 1';
const USER_PRESENT = 0x01;
const USER_VERIFIED = 0x04;
const HAS_CREDENTIAL = 0x40;
const HASH_BYTES = 32;
/** Hash of the relying party, flags, counter. */
const HEAD_BYTES = 37;
const AAGUID_BYTES = 16;
const SHORTEST_RSA_BITS = 2048;

/** By what records name a public key: a text of its own length looks like a secret to them. */
export function passkeyDigest(publicKey: string): string {
  return hash('sha256', publicKey).slice(0, 32);
}

/** What a passkey signs for a decision: nothing of it can be said of another approval, digest, answer or time. */
export function decisionChallenge({ approval, nonce, digest, decision, endMs }: ChallengedDecision): Buffer {
  return challengeOf(DECISION_DOMAIN, approval, nonce, digest, decision, String(endMs));
}

/** What a new passkey is asked for. */
export function enrolmentChallenge(operator: string, nonce: string, endMs: number): Buffer {
  return challengeOf(ENROLMENT_DOMAIN, operator, nonce, String(endMs));
}

/**
 * What is wrong with an assertion; undefined when the operator's authenticator, having verified its user, signed exactly
 * this challenge on exactly this page.
 */
export function assertionProblem(
  assertion: PasskeyAssertion,
  passkey: Passkey,
  ceremony: PasskeyCeremony,
): string | undefined {
  if (assertion.credentialId !== passkey.credentialId) return 'it is of another passkey';
  const clientData = Buffer.from(assertion.clientDataJSON, 'base64url');
  const authenticatorData = Buffer.from(assertion.authenticatorData, 'base64url');
  const problem =
    clientDataProblem(clientData, 'webauthn.get', ceremony) ??
    authenticatorProblem(authenticatorData, ceremony.origin, USER_PRESENT | USER_VERIFIED);
  if (problem !== undefined) return problem;
  const key = readPublicKey(passkey);
  if (typeof key === 'string') return key;
  const signed = Buffer.concat([authenticatorData, hash('sha256', clientData, 'buffer')]);
  const signature = Buffer.from(assertion.signature, 'base64url');
  return isSignedBy(key, passkey.algorithm, signed, signature) ? undefined : 'its signature is wrong';
}

/** What is wrong with a new passkey; undefined when it was made on this page, for this challenge, by a verified user. */
export function enrolmentProblem(
  passkey: Passkey,
  response: Pick<PasskeyAssertion, 'clientDataJSON' | 'authenticatorData'>,
  ceremony: PasskeyCeremony,
): string | undefined {
  const clientData = Buffer.from(response.clientDataJSON, 'base64url');
  const authenticatorData = Buffer.from(response.authenticatorData, 'base64url');
  const key = readPublicKey(passkey);
  return (
    clientDataProblem(clientData, 'webauthn.create', ceremony) ??
    authenticatorProblem(authenticatorData, ceremony.origin, USER_PRESENT | USER_VERIFIED | HAS_CREDENTIAL) ??
    (enrolledId(authenticatorData) === passkey.credentialId
      ? undefined
      : 'its id is not the one it was made with') ??
    (typeof key === 'string' ? key : undefined)
  );
}

/** The lines are joined by a sign that none of them has. */
function challengeOf(...parts: readonly string[]): Buffer {
  return hash('sha256', parts.join('\n'), 'buffer');
}

function clientDataProblem(bytes: Buffer, type: string, ceremony: PasskeyCeremony): string | undefined {
  let said: Readonly<Record<string, unknown>>;
  try {
    said = JSON.parse(bytes.toString('utf8')) as Readonly<Record<string, unknown>>;
  } catch {
    return 'its client data cannot be read';
  }
  if (said.type !== type) return `it is no ${type}`;
  if (said.origin !== ceremony.origin) return 'it was made on another page';
  if (said.crossOrigin === true || said.topOrigin !== undefined)
    return 'it was made in a frame of another page';
  const challenge = Buffer.from(typeof said.challenge === 'string' ? said.challenge : '', 'base64url');
  return isEqual(challenge, ceremony.challenge) ? undefined : 'it answers another challenge';
}

function authenticatorProblem(bytes: Buffer, origin: string, flags: number): string | undefined {
  if (bytes.length < HEAD_BYTES) return 'its authenticator data is cut';
  const relyingParty = hash('sha256', new URL(origin).hostname, 'buffer');
  if (!isEqual(bytes.subarray(0, HASH_BYTES), relyingParty)) return 'it is for another site';
  const has = bytes[HASH_BYTES] ?? 0;
  return (has & flags) === flags ? undefined : 'its user was not verified';
}

function enrolledId(bytes: Buffer): string | undefined {
  const at = HEAD_BYTES + AAGUID_BYTES;
  if (bytes.length < at + 2) return undefined;
  const length = bytes.readUInt16BE(at);
  return bytes.subarray(at + 2, at + 2 + length).toString('base64url');
}

/** The key, or what is wrong with it. */
function readPublicKey({ publicKey, algorithm }: Passkey): KeyObject | string {
  let key: KeyObject;
  try {
    key = createPublicKey({ key: Buffer.from(publicKey, 'base64url'), format: 'der', type: 'spki' });
  } catch {
    return 'its public key cannot be read';
  }
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  switch (algorithm) {
    case PASSKEY_ALGORITHMS.Ed25519:
      return type === 'ed25519' ? key : OTHER_ALGORITHM;
    case PASSKEY_ALGORITHMS.ES256:
      return type === 'ec' && details?.namedCurve === 'prime256v1' ? key : OTHER_ALGORITHM;
    case PASSKEY_ALGORITHMS.RS256:
      return type === 'rsa' && (details?.modulusLength ?? 0) >= SHORTEST_RSA_BITS ? key : OTHER_ALGORITHM;
    default:
      return OTHER_ALGORITHM;
  }
}

const OTHER_ALGORITHM = 'its key is not of the algorithm that it names (Ed25519, ES256 or RS256)';

function isSignedBy(key: KeyObject, algorithm: number, signed: Buffer, signature: Buffer): boolean {
  try {
    return verify(algorithm === PASSKEY_ALGORITHMS.Ed25519 ? null : 'sha256', signed, key, signature);
  } catch {
    return false;
  }
}

function isEqual(left: Buffer, right: Buffer): boolean {
  return left.length === right.length && timingSafeEqual(left, right);
}
