import { createHmac, hash, type KeyObject, sign as signAsymmetric } from 'node:crypto';

export type KeyAlgorithm = 'HMAC' | 'ED25519' | 'RSA';

/**
 * A Binance key. Its parts are private fields, so that neither inspect nor JSON.stringify nor a log line shows them.
 * @see https://developers.binance.com/docs/binance-spot-api-docs/faqs/api_key_types
 */
export class Credential {
  readonly algorithm: KeyAlgorithm;
  readonly #apiKey: string;
  readonly #keyDigest: string;
  readonly #key: KeyObject;

  constructor(apiKey: string, algorithm: KeyAlgorithm, key: KeyObject) {
    this.algorithm = algorithm;
    this.#apiKey = apiKey;
    this.#keyDigest = hash('sha256', apiKey);
    this.#key = key;
  }

  /** The value of `X-MBX-APIKEY`. */
  get apiKey(): string {
    return this.#apiKey;
  }

  /** SHA-256 of the API key in hex: what is known of a key is kept under it. */
  get keyDigest(): string {
    return this.#keyDigest;
  }

  /** True when both are the same Binance key, secret included. */
  equals(other: Credential): boolean {
    return this.#apiKey === other.#apiKey && this.#key.equals(other.#key);
  }

  /** Keeps the getters above out of inspect, which would call them when asked for getters. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Credential { algorithm: '${this.algorithm}' }`;
  }

  /** The signature as Binance prints it: 64 hex digits for HMAC-SHA256, base64 for Ed25519 and RSA PKCS#1 v1.5 SHA-256. */
  sign(payload: string): string {
    if (this.algorithm === 'HMAC') return createHmac('sha256', this.#key).update(payload).digest('hex');
    const digest = this.algorithm === 'RSA' ? 'sha256' : null;
    return signAsymmetric(digest, Buffer.from(payload), this.#key).toString('base64');
  }
}
