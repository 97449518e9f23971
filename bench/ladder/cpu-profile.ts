/** A CPU profile as V8 writes it; times in µs. */
export interface CpuProfile {
  readonly nodes: readonly { id: number; callFrame: CallFrame; children?: number[] }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
  /** By the monotonic clock of the machine. */
  readonly startTime: number;
}

export interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}

/** From when until when the load ran, in µs by the monotonic clock of the machine. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

const NATIVE = "Node's native part: event loop, HTTP parser of the server, socket reads";
const WRITES = 'socket writes (system calls)';
const IDLE = '(idle)';
/** What libuv is asked to write; each is one system call. */
const WRITE_CALLS = new Set([
  'writev',
  'writeBuffer',
  'writeUtf8String',
  'writeLatin1String',
  'writeAsciiString',
  'writeUcs2String',
]);
/** Where a frame belongs by its file; the first that fits. What fits none belongs to whoever called it. */
const PLACES: readonly (readonly [RegExp, string])[] = [
  [/^node:_http/, "Node's HTTP server (JavaScript)"],
  [/^node:(fs|internal\/fs)/, 'file writes (both records)'],
  [/^node:(crypto|internal\/crypto)/, 'signing, hashing, comparing keys'],
  [/node_modules\/undici\/|^wasm:/, 'undici, with its HTTP parser'],
  [/node_modules\/(pino|sonic-boom|thread-stream)/, 'pino'],
  [/node_modules\/prom-client/, 'prom-client'],
  [/node_modules\//, 'Fastify and its plugins'],
  [/\/src\/core\/records\//, 'ours: text of records'],
  [/\/src\/core\//, 'ours: core (parse, decide, sign, redact)'],
  [/\/src\/audit\//, 'ours: audit'],
  [/\/src\/pipeline\//, 'ours: the steps of the pipeline'],
  [/\/src\/http\//, 'ours: the HTTP door'],
  [/\/src\/budgets\//, 'ours: budgets'],
  [/\/src\/(orders|repeats|stops|watch)\//, 'ours: orders, repeats, stops, watch'],
  [/\/src\/operator\//, 'ours: metrics'],
  [/\/src\/upstream\//, 'ours: upstream'],
  [/\/src\//, 'ours: everything else'],
];

/** Share of each function in the samples of the span, idle ones left out. */
export function sharesByFunction(profile: CpuProfile, span: Span): Map<string, number> {
  return sharesBy(profile, span, new Map(profile.nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)])));
}

/** Share of each place of the program in the samples of the span, idle ones left out. */
export function sharesByPlace(profile: CpuProfile, span: Span): Map<string, number> {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const places = new Map<number, string>();
  const visit = (id: number, inherited: string): void => {
    const node = nodes.get(id);
    if (node === undefined) return;
    const place = placeOf(node.callFrame, inherited);
    places.set(id, place);
    for (const child of node.children ?? []) visit(child, place);
  };
  const [root] = profile.nodes;
  if (root !== undefined) visit(root.id, NATIVE);
  return sharesBy(profile, span, places);
}

export function nameOf({ functionName, url, lineNumber }: CallFrame): string {
  const place = url.replace(/^file:\/\//, '').replace(/^.*\/(node_modules|src)\//, '$1/');
  return `${functionName === '' ? '(anonymous)' : functionName} ${place === '' ? '' : `${place}:${lineNumber + 1}`}`.trim();
}

function placeOf({ functionName, url }: CallFrame, inherited: string): string {
  if (url === '') {
    if (functionName === IDLE) return IDLE;
    if (functionName === '(garbage collector)') return 'garbage collection';
    if (functionName === '(program)') return NATIVE;
    return WRITE_CALLS.has(functionName) && !inherited.startsWith('file') ? WRITES : inherited;
  }
  const found = PLACES.find(([pattern]) => pattern.test(url))?.[1];
  // What a library does for signing or writing is that; anything else of Node's belongs to who asked for it.
  return found ?? inherited;
}

/** Samples are counted and not their time: of that a good part may be another process's. */
function sharesBy(
  { samples, timeDeltas, startTime }: CpuProfile,
  { from, to }: Span,
  names: ReadonlyMap<number, string>,
): Map<string, number> {
  const counts = new Map<string, number>();
  let at = startTime;
  let all = 0;
  samples.forEach((id, index) => {
    at += timeDeltas[index] ?? 0;
    const name = names.get(id) ?? '';
    if (at < from || at > to || name === IDLE) return;
    counts.set(name, (counts.get(name) ?? 0) + 1);
    all++;
  });
  return new Map([...counts].map(([name, count]) => [name, count / all]));
}
