import { allPairs, type Call } from '../call/call.ts';
import { decodedValue, type Pair, rawValue } from '../call/form.ts';
import { MASK, peelPercent, SecretMask } from './secret-mask.ts';

/** The parameters of a call as a log may show them, repeated names as arrays. Names come from callers: only own ones count. */
export type PrintableParams = Readonly<Record<string, string | readonly string[]>>;

const LONGEST_VALUE = 512;
/** `batchOrders` and its kin: five orders must stay readable. */
const LONGEST_JSON = 4096;
const LONGEST_NAME = 64;
/** All parameters of one record together; what comes behind is counted, not shown. */
const LONGEST_PARAMS = 16_384;
const MOST_PARAMS = 100;

const SECRET_WORDS = 'secret|passphrase|password|privatekey|publickey|api_?key|token|listenkey|signature';
const SECRET_NAME = new RegExp(SECRET_WORDS, 'i');
/** `signature=…` inside a value: a whole query string that was put into one parameter. */
const SECRET_ASSIGNMENT = new RegExp(`((?:${SECRET_WORDS})[a-z0-9_]*\\s*(?:=|%3D))[^&\\s"',;]+`, 'gi');
/** Keys, listen keys and signatures of Binance: 64 letters and digits, or base64 of 64 bytes and more. */
const KEY_SHAPE = /[A-Za-z0-9+/_-]{60,}={0,2}/g;
/** A listen key as a path segment. No path of the catalogue has a segment like that. */
const KEY_SEGMENT = /[A-Za-z0-9_-]{40,}/g;
/** No key has fewer characters than this, and no assignment of one is worth the search. */
const SHORTEST_ASSIGNMENT = 'token=x'.length;

/**
 * The printable twin of a call's parameters: decoded for reading (what is no UTF-8 stays encoded), secrets as `***`, long
 * values cut. Give the secret mask, so that a known secret in a place where it does not belong is masked before a cut could
 * leave half of it.
 */
export function printableParams(call: Call, secretMask: SecretMask = SecretMask.none): PrintableParams {
  // A plain object is printed four times as fast as one without a prototype.
  const params: Record<string, string | string[]> = {};
  const pairs = allPairs(call);
  let length = 0;
  for (const [index, pair] of pairs.entries()) {
    const name = printableText(pair.name, secretMask, LONGEST_NAME);
    const value = printablePair(pair, secretMask);
    length += name.length + value.length;
    if (length > LONGEST_PARAMS || index >= MOST_PARAMS) {
      params['…'] = `${pairs.length - index} more parameters`;
      break;
    }
    const earlier = Object.hasOwn(params, name) ? params[name] : undefined;
    if (earlier === undefined) put(params, name, value);
    else if (Array.isArray(earlier)) earlier.push(value);
    else params[name] = [earlier, value];
  }
  return params;
}

/** Also under the one name that would set a prototype instead. */
function put(params: Record<string, string | string[]>, name: string, value: string): void {
  if (name !== '__proto__') params[name] = value;
  else Object.defineProperty(params, name, { value, enumerable: true, writable: true, configurable: true });
}

/** A decoded value as a log may show it, by the name of its parameter. */
function printableValue(name: string, value: string, secretMask: SecretMask = SecretMask.none): string {
  if (isSecretName(name)) return MASK;
  const opening = value.trimStart()[0];
  if (opening !== '[' && opening !== '{') return printableText(value, secretMask);
  const json = maskJson(value, secretMask);
  if (json !== undefined) return cut(secretMask.maskLine(json), LONGEST_JSON);
  // No JSON after all: nothing in it can be told apart, so the mere name of a secret hides it whole.
  return isSecretName(value) ? MASK : printableText(value, secretMask, LONGEST_JSON);
}

/** A foreign text that may stand in a log line: known secrets, and what looks like a key, as `***`; then cut. */
export function printableText(text: string, secretMask = SecretMask.none, longest = LONGEST_VALUE): string {
  let safe = secretMask.maskValue(text);
  if (safe.length >= SHORTEST_ASSIGNMENT) {
    safe = maskShapes(safe);
    const peeled = peelPercent(safe);
    if (peeled !== safe && maskShapes(peeled) !== peeled) safe = MASK;
  }
  return cut(safe, longest);
}

/** A request path without its query; segments that look like a listen key as `***`. */
export function printablePath(path: string, secretMask = SecretMask.none): string {
  const mark = path.search(/[?#]/);
  const safe = secretMask.maskValue(mark === -1 ? path : path.slice(0, mark));
  const peeled = peelPercent(safe);
  if (peeled !== safe && peeled.replace(KEY_SEGMENT, MASK) !== peeled) return MASK;
  return cut(safe.length < 40 ? safe : safe.replace(KEY_SEGMENT, MASK), LONGEST_VALUE);
}

/** True for the names whose values are never shown. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name) || (/[-_. ]/.test(name) && SECRET_NAME.test(name.replace(/[-_. ]/g, '')));
}

function printablePair(pair: Pair, secretMask: SecretMask): string {
  return printableValue(pair.name, decodedValue(pair) ?? rawValue(pair), secretMask);
}

function maskShapes(text: string): string {
  const safe = text.length < 60 ? text : text.replace(KEY_SHAPE, MASK);
  return safe.includes('=') || safe.includes('%') ? safe.replace(SECRET_ASSIGNMENT, `$1${MASK}`) : safe;
}

/**
 * Masks secret values at any depth, and nothing but them; a text without any is returned as it stands, numbers keep their
 * lexeme. Undefined when it is no JSON.
 */
function maskJson(text: string, secretMask: SecretMask): string | undefined {
  let masked = false;
  const mask = (name: string, value: unknown, context?: { readonly source?: string }): unknown => {
    if (name !== '' && isSecretName(name)) {
      masked = true;
      return MASK;
    }
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      const shown = maskNames(value, secretMask);
      masked ||= shown !== value;
      return shown;
    }
    const said = typeof value === 'number' ? context?.source : value;
    if (typeof said !== 'string') return value;
    const safe = printableText(said, secretMask);
    masked ||= safe !== said;
    return typeof value === 'number' && safe === said ? rawJson(said) : safe;
  };
  try {
    const tree: unknown = JSON.parse(text, mask);
    return masked ? JSON.stringify(tree) : text;
  } catch {
    return undefined;
  }
}

/** The same object, or one in which every name that must not be shown is masked with its value. */
function maskNames(members: object, secretMask: SecretMask): object {
  const names = Object.keys(members);
  if (names.every((name) => printableText(name, secretMask) === name)) return members;
  const shown: Record<string, unknown> = Object.create(null);
  for (const [index, [name, value]] of Object.entries(members).entries()) {
    const safe = printableText(name, secretMask);
    if (safe === name) shown[name] = value;
    else shown[`${MASK}${index + 1}`] = MASK;
  }
  return shown;
}

/** ES2026 `JSON.rawJSON`, which the compiler's library does not name yet: prints a number by its own lexeme. */
function rawJson(source: string): unknown {
  const { rawJSON } = JSON as unknown as { readonly rawJSON: (text: string) => unknown };
  return rawJSON(source);
}

function cut(text: string, longest: number): string {
  if (text.length <= longest) return text;
  return `${text.slice(0, longest).toWellFormed()}… (${text.length - longest} more characters)`;
}
