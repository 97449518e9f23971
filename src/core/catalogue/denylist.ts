import { UPSTREAM_OF_SEGMENT } from '../upstream.ts';
import { DENIED_GROUPS, type DeniedGrade } from './denied-paths.ts';

/** A path that the operator denies on top of the built-in ones. */
export interface DenylistEntry {
  /** A path such as `/sapi/v1/asset/transfer`; `*` stands for one segment, a trailing `/**` for the rest. */
  readonly path: string;
  readonly reason: string;
}

export interface DenylistHit {
  readonly reason: string;
  /** OPERATOR: the entry comes from the configuration. */
  readonly grade: DeniedGrade | 'OPERATOR';
}

export interface Denylist {
  /** What denies a path on every method and upstream; undefined when nothing does. */
  match(path: string): DenylistHit | undefined;
}

interface Pattern {
  readonly expression: RegExp;
  readonly hit: DenylistHit;
}

const SEGMENTS: readonly string[] = [...UPSTREAM_OF_SEGMENT.keys()];
/** Binance retired /wapi; lists of operators may still name it. */
const FIRST_SEGMENTS: ReadonlySet<string> = new Set([...SEGMENTS, 'wapi', '*']);
const PATTERN = /^(?:\/(?:\*|[A-Za-z0-9_.-]+))+(?:\/\*\*)?$/;
const VERSION_SEGMENT = /\/v\d*(?=\/|$)/g;

/**
 * The built-in denylist and the operator's additions. A version segment (`/v1`, `/v22`) stands for every version and
 * letter case does not count, so that a mutated path is refused as what it tries to be.
 * @throws Error when a pattern of the operator can never match
 */
export function createDenylist(extra: readonly DenylistEntry[]): Denylist {
  const exact = new Map<string, DenylistHit>();
  const patterns: Pattern[] = [];
  const add = (path: string, hit: DenylistHit): void => {
    const shape = shapeOf(path);
    if (shape.includes('*')) patterns.push({ expression: toExpression(shape), hit });
    else if (!exact.has(shape)) exact.set(shape, hit);
  };
  for (const { grade, reason, paths } of DENIED_GROUPS) {
    const hit = Object.freeze({ reason, grade });
    for (const path of paths) add(path, hit);
  }
  for (const { path, reason } of extra) {
    const problem = patternProblem(path);
    if (problem !== undefined) throw new Error(`denylist entry ${JSON.stringify(path)}: ${problem}`);
    add(path, Object.freeze({ reason, grade: 'OPERATOR' }));
  }
  return {
    match(path) {
      const shape = shapeOf(path);
      return exact.get(shape) ?? patterns.find(({ expression }) => expression.test(shape))?.hit;
    },
  };
}

/** Why an operator's pattern could never match a path; undefined when it is sound. */
export function patternProblem(path: string): string | undefined {
  const first = path.split('/')[1]?.toLowerCase() ?? '';
  if (path !== '/**' && !PATTERN.test(path)) {
    return 'a pattern is made of segments such as /sapi/v1/asset/transfer, with * for one segment and /** at the end only';
  }
  if (path !== '/**' && !FIRST_SEGMENTS.has(first)) {
    return `a pattern begins with ${SEGMENTS.map((segment) => `/${segment}`).join(', ')} or /*`;
  }
  return undefined;
}

/** True when a pattern denies every path that `pattern` denies, as far as one pattern alone can tell. */
export function deniesAllOf(wider: string, pattern: string): boolean {
  const shape = shapeOf(pattern);
  const isOpen = shape.endsWith('/**');
  if (isOpen && !shapeOf(wider).endsWith('/**')) return false;
  // What is left of the narrower one is held against the wider as if it were a path: `*` there is a segment that only
  // a `*` can match.
  return toExpression(shapeOf(wider)).test(isOpen ? shape.slice(0, -3) : shape);
}

/** Lower case, without trailing slashes, every version segment as `/v`. */
function shapeOf(path: string): string {
  let end = path.length;
  while (end > 1 && path.charCodeAt(end - 1) === 0x2f) end--;
  return path.slice(0, end).toLowerCase().replace(VERSION_SEGMENT, '/v');
}

function toExpression(shape: string): RegExp {
  const rest = shape.endsWith('/**');
  const segments = (rest ? shape.slice(0, -3) : shape).replaceAll('.', '\\.').replaceAll('*', '[^/]+');
  return new RegExp(`^${segments}${rest ? '(?:/.*)?' : ''}$`);
}
