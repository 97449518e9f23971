import { hash } from 'node:crypto';

/** What stands where a secret was. */
export const MASK = '***';

/** Below this length only a text that equals the secret is masked: a short word would tear holes into every line. */
const SHORTEST_SUBSTRING = 8;
/** A secret in several lines (a PEM text) is also known by each line of this length or more. */
const SHORTEST_LINE = 16;
const DEEPEST_ENCODING = 4;
/** Up to here each secret is looked for by itself; a thousand clients have thousands. */
const MOST_LOOKED_FOR_SINGLY = 32;

/** How a secret is recognised without keeping it: a few characters from its middle, and the digest of the whole. */
interface Trace {
  readonly length: number;
  readonly probe: string;
  readonly offset: number;
  readonly digest: string;
}

/**
 * Knows the secrets of this process well enough to take them out of any text, and no better: it keeps at most a quarter
 * (and never more than 8 characters) of each, so neither inspect nor a heap dump gives one away.
 * Percent-encoded and JSON-escaped spellings are known too.
 */
export class SecretMask {
  static readonly none = new SecretMask([]);
  readonly #traces: readonly Trace[];
  readonly #shortDigests: ReadonlySet<string>;
  readonly #shortest: number;
  readonly #index: ProbeIndex | undefined;

  /** @param others - masks whose secrets this one knows too: what was rotated away may still turn up */
  constructor(secrets: Iterable<string>, others: readonly SecretMask[] = []) {
    const long = new Set<string>();
    const short = new Set<string>();
    for (const secret of secrets) {
      if (secret.length === 0) continue;
      if (secret.length < SHORTEST_SUBSTRING) short.add(digestOf(secret));
      else for (const spelling of spellings(secret)) long.add(spelling);
    }
    // The longest first: an escaped spelling contains parts of the plain one.
    const traces = new Map<string, Trace>();
    for (const trace of [...[...long].map(traceOf), ...others.flatMap((other) => other.#traces)]) {
      traces.set(trace.digest, trace);
    }
    this.#traces = [...traces.values()].sort((a, b) => b.length - a.length);
    this.#shortDigests = new Set([...short, ...others.flatMap((other) => [...other.#shortDigests])]);
    if (this.#traces.length > MOST_LOOKED_FOR_SINGLY) this.#index = new ProbeIndex(this.#traces);
    this.#shortest = Math.min(...this.#traces.map((trace) => trace.length));
  }

  /** The text with every secret in it replaced by `***`; for whole lines. */
  maskLine(text: string): string {
    if (this.#index?.mayHold(text) === false) return text;
    let safe = text;
    for (const trace of this.#traces) safe = hideOne(safe, trace);
    return safe;
  }

  /** Like {@link hide}, for one value: also masks one that equals a short secret, or holds one behind percent-encoding. */
  maskValue(text: string): string {
    if (text.length < SHORTEST_SUBSTRING && this.#shortDigests.size > 0) {
      if (this.#shortDigests.has(digestOf(text))) return MASK;
    }
    if (text.length < this.#shortest) return text;
    const safe = this.maskLine(text);
    const peeled = peelPercent(safe);
    return peeled !== safe && this.maskLine(peeled) !== peeled ? MASK : safe;
  }
}

/**
 * Tells in one walk along a text whether any of many probes stands in it. A table of three characters of each
 * rules nearly every place out.
 */
class ProbeIndex {
  readonly #bySize = new Map<number, { readonly probes: Set<string>; readonly marks: Uint8Array }>();

  constructor(traces: readonly Trace[]) {
    for (const { probe } of traces) {
      let group = this.#bySize.get(probe.length);
      if (group === undefined) {
        group = { probes: new Set(), marks: new Uint8Array(0x10000) };
        this.#bySize.set(probe.length, group);
      }
      group.probes.add(probe);
      group.marks[markOf(probe, 0, probe.length)] = 1;
    }
  }

  mayHold(text: string): boolean {
    for (const [size, { probes, marks }] of this.#bySize) {
      for (let at = 0; at + size <= text.length; at++) {
        if (marks[markOf(text, at, size)] === 1 && probes.has(text.slice(at, at + size))) return true;
      }
    }
    return false;
  }
}

/** 16 bits out of the first, the second and the last character. */
function markOf(text: string, at: number, size: number): number {
  const first = text.charCodeAt(at);
  const second = text.charCodeAt(at + 1);
  const last = text.charCodeAt(at + size - 1);
  return (first ^ (second << 5) ^ (last << 10)) & 0xffff;
}

/** Takes percent-encoding of ASCII off, layer by layer: what a reader of the raw text could do too. */
export function peelPercent(text: string): string {
  let peeled = text;
  for (let layer = 0; layer < DEEPEST_ENCODING && peeled.includes('%'); layer++) {
    const next = peeled.replace(/%([0-7][0-9A-Fa-f])/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
    if (next === peeled) break;
    peeled = next;
  }
  return peeled;
}

function digestOf(text: string): string {
  return hash('sha256', text);
}

function traceOf(secret: string): Trace {
  const size = Math.min(8, Math.max(2, Math.floor(secret.length / 4)));
  const offset = Math.floor((secret.length - size) / 2);
  return {
    length: secret.length,
    probe: secret.slice(offset, offset + size),
    offset,
    digest: digestOf(secret),
  };
}

function spellings(secret: string): string[] {
  const lines = secret.split(/\s+|\\n/).filter((line) => line.length >= SHORTEST_LINE);
  return [secret, ...lines].flatMap((text) => {
    const plain = text.toWellFormed();
    return [text, JSON.stringify(text).slice(1, -1), encodeURIComponent(plain)];
  });
}

function hideOne(text: string, trace: Trace): string {
  let safe = text;
  let at = safe.indexOf(trace.probe);
  while (at !== -1) {
    const start = at - trace.offset;
    const found = start < 0 ? '' : safe.slice(start, start + trace.length);
    if (found.length === trace.length && digestOf(found) === trace.digest) {
      safe = safe.slice(0, start) + MASK + safe.slice(start + trace.length);
      at = safe.indexOf(trace.probe, start + MASK.length);
    } else {
      at = safe.indexOf(trace.probe, at + 1);
    }
  }
  return safe;
}
