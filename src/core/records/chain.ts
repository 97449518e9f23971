import { createHmac, createSecretKey, hash as digest, type KeyObject } from 'node:crypto';

/** Where a chain stands: the last record's number and hash. */
export interface ChainHead {
  readonly seq: number;
  /** 64 lowercase hex digits. */
  readonly hash: string;
}

/** The head before the first record. */
export const GENESIS: ChainHead = { seq: 0, hash: '0'.repeat(64) };

/** What the chain needs to know of a line. */
export interface SealedLine {
  readonly seq: number;
  /** The day of its `time`, YYYY-MM-DD. */
  readonly day: string;
  readonly prev: string;
  readonly hash: string;
}

const HASH_MEMBER_LENGTH = `,"hash":"${GENESIS.hash}"}`.length;
const SEAL = /^,"prev":"([0-9a-f]{64})","hash":"([0-9a-f]{64})"\}$/;
const SEAL_LENGTH = `,"prev":"${GENESIS.hash}`.length + 1 + HASH_MEMBER_LENGTH;
const DAY = /^\d{4}-\d{2}-\d{2}(?=T)/;
const CLOSING_BRACE = 0x7d;

/**
 * Links a line to the record before it: adds `prev` and, last, `hash`, the SHA-256 (with a key HMAC-SHA256), in hex, over
 * the UTF-8 bytes of the line with `prev` and without `hash`.
 * @param line - one JSON object with at least one member
 */
export function sealLine(
  line: string,
  prev: string,
  key: KeyObject | undefined,
): { readonly text: string; readonly hash: string } {
  const open = `${line.slice(0, -1)},"prev":"${prev}"`;
  const hash = chainHash(`${open}}`, key);
  return { text: `${open},"hash":"${hash}"}`, hash };
}

/** The hash that a line of the file should carry. */
export function expectedHash(line: Buffer, key: KeyObject | undefined): string {
  const end = Math.max(0, line.length - HASH_MEMBER_LENGTH);
  const hashed = Buffer.from(line.subarray(0, end + 1));
  hashed[end] = CLOSING_BRACE;
  return chainHash(hashed, key);
}

/** Reads a line of the file (without its line break); undefined when it is no sealed record. */
export function readSealedLine(line: Buffer): SealedLine | undefined {
  const text = line.toString('utf8');
  const seal = SEAL.exec(text.slice(-SEAL_LENGTH));
  if (seal === null) return undefined;
  const [, prev = '', hash = ''] = seal;
  const record = parseObject(text);
  if (record === undefined) return undefined;
  const { seq, time } = record;
  if (typeof seq !== 'number' || !Number.isSafeInteger(seq) || seq < 1 || typeof time !== 'string') {
    return undefined;
  }
  const day = DAY.exec(time)?.[0];
  return day === undefined ? undefined : { seq, day, prev, hash };
}

/** The audit key of its text, e.g. the value of BINANCE_PROXY_AUDIT_KEY. */
export function auditKeyFrom(text: string): KeyObject {
  return createSecretKey(Buffer.from(text, 'utf8'));
}

/** Names a key without giving it away: 16 hex digits; `none` for a chain without a key. */
export function auditKeyId(key: KeyObject | undefined): string {
  if (key === undefined) return 'none';
  return chainHash('binance-signing-proxy audit key id', key).slice(0, 16);
}

/** SHA-256, or with a key HMAC-SHA256, in hex. */
export function chainHash(content: string | Buffer, key: KeyObject | undefined): string {
  return key === undefined
    ? digest('sha256', content)
    : createHmac('sha256', key).update(content).digest('hex');
}

function parseObject(text: string): { readonly seq?: unknown; readonly time?: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
