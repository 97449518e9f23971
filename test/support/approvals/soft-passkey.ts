import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import type { PasskeyAssertion } from '../../../src/core/approvals/passkey-assertion.ts';

export type PasskeyKind = 'Ed25519' | 'ES256' | 'RS256';

/** What a browser would have done otherwise, to see it refused. */
export interface Deviation {
  readonly type?: string;
  readonly origin?: string;
  readonly crossOrigin?: boolean;
  readonly topOrigin?: string;
  readonly rpId?: string;
  readonly flags?: number;
  readonly challenge?: string;
}

const NUMBERS = { Ed25519: -8, ES256: -7, RS256: -257 } as const;
const UP_UV = 0x05;
const AT = 0x40;

/** An authenticator of one user, as a browser lets a page use it: real keys and signatures. */
export class SoftPasskey {
  readonly credentialId = randomBytes(32).toString('base64url');
  readonly algorithm: number;
  readonly #privateKey: KeyObject;
  readonly #publicKey: KeyObject;
  readonly #kind: PasskeyKind;

  constructor(kind: PasskeyKind) {
    const pair =
      kind === 'Ed25519'
        ? generateKeyPairSync('ed25519')
        : kind === 'ES256'
          ? generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
          : generateKeyPairSync('rsa', { modulusLength: 2048 });
    this.#kind = kind;
    this.algorithm = NUMBERS[kind];
    this.#privateKey = pair.privateKey;
    this.#publicKey = pair.publicKey;
  }

  get publicKey(): string {
    return this.#publicKey.export({ type: 'spki', format: 'der' }).toString('base64url');
  }

  /** What `navigator.credentials.create` hands over. */
  create(challenge: string, origin: string, deviation: Deviation = {}) {
    const id = Buffer.from(this.credentialId, 'base64url');
    const length = Buffer.alloc(2);
    length.writeUInt16BE(id.length);
    const head = authenticatorHead(origin, { flags: UP_UV | AT, ...deviation });
    return {
      credentialId: this.credentialId,
      publicKey: this.publicKey,
      algorithm: this.algorithm,
      clientDataJSON: clientData('webauthn.create', challenge, origin, deviation).toString('base64url'),
      authenticatorData: Buffer.concat([head, Buffer.alloc(16), length, id]).toString('base64url'),
    };
  }

  /** What `navigator.credentials.get` hands over. */
  get(challenge: string, origin: string, deviation: Deviation = {}): PasskeyAssertion {
    const said = clientData('webauthn.get', challenge, origin, deviation);
    const head = authenticatorHead(origin, deviation);
    const signed = Buffer.concat([head, createHash('sha256').update(said).digest()]);
    const signature = sign(this.#kind === 'Ed25519' ? null : 'sha256', signed, this.#privateKey);
    return {
      credentialId: this.credentialId,
      clientDataJSON: said.toString('base64url'),
      authenticatorData: head.toString('base64url'),
      signature: signature.toString('base64url'),
    };
  }
}

function clientData(usual: string, challenge: string, usualOrigin: string, deviation: Deviation): Buffer {
  const { type = usual, origin = usualOrigin, crossOrigin = false, topOrigin } = deviation;
  const said = { type, challenge: deviation.challenge ?? challenge, origin, crossOrigin, topOrigin };
  return Buffer.from(JSON.stringify(said));
}

function authenticatorHead(origin: string, { rpId, flags = UP_UV }: Deviation): Buffer {
  const hash = createHash('sha256')
    .update(rpId ?? new URL(origin).hostname)
    .digest();
  return Buffer.concat([hash, Buffer.from([flags]), Buffer.alloc(4)]);
}
