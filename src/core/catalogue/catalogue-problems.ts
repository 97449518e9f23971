import { INTERVALS } from '../intervals.ts';
import { FAMILY_OF_NAME, PATH_PREFIXES } from '../upstream.ts';
import { createDenylist } from './denylist.ts';
import type { Endpoint, WeightStep } from './endpoint.ts';
import { NEVER_GRANTED, PERMISSIONS, type Permission, READING } from './permission.ts';

const CANONICAL_PATH = /^(?:\/[A-Za-z0-9_-]+)+$/;
const WEB_SOCKET_METHOD = /^[A-Za-z0-9]+(?:[./][A-Za-z0-9]+)*$/;
const LETTERS = Object.values(INTERVALS).map(({ letter }) => letter);
const INTERVAL = new RegExp(`^[1-9]\\d*[${LETTERS.join('')}]$`);
const DAY = /^20\d\d-\d\d-\d\d$/;
const METHODS: ReadonlySet<string> = new Set(['GET', 'POST', 'PUT', 'DELETE']);
const SECURITIES: ReadonlySet<string> = new Set(['NONE', 'APIKEY', 'SIGNED']);
const KNOWN: ReadonlySet<string> = new Set(PERMISSIONS);

/** Everything that is wrong with a whole set of endpoints, one sentence each; empty when it may be served. */
export function catalogueProblems(endpoints: readonly Endpoint[]): string[] {
  const builtIn = createDenylist([]);
  const seen = new Set<string>();
  const methods = new Set<string>();
  const problems: string[] = [];
  for (const endpoint of endpoints) {
    const name = `${endpoint.upstream} ${endpoint.method} ${endpoint.path}`;
    const report = (problem: string): void => void problems.push(`${name}: ${problem}`);
    if (seen.has(name)) report('stands twice');
    seen.add(name);
    checkAddress(endpoint, report);
    checkWebSocket(endpoint, methods, report);
    checkPermission(endpoint, builtIn.match(endpoint.path) !== undefined, report);
    checkCounts(endpoint, report);
    checkTouches(endpoint, report);
    if ((endpoint.effect === 'place' || endpoint.effect === 'amend') && endpoint.orderShape === undefined) {
      report(`has the effect ${endpoint.effect} and no orderShape to read its orders by`);
    }
    if (endpoint.orderShape !== undefined && endpoint.effect === 'cancel')
      report('has an orderShape and cancels');
  }
  return problems;
}

type Report = (problem: string) => void;

function checkAddress({ upstream, method, path, security, retired }: Endpoint, report: Report): void {
  if (retired !== undefined && !DAY.test(retired.date)) report('is retired on no day');
  if (!METHODS.has(method)) report('unknown method');
  if (!SECURITIES.has(security)) report('unknown security');
  if (!CANONICAL_PATH.test(path)) report('the path is not canonical');
  const prefixes = Object.hasOwn(PATH_PREFIXES, upstream) ? PATH_PREFIXES[upstream] : [];
  if (!prefixes.some((prefix) => path.startsWith(prefix))) report('the path does not belong to the upstream');
}

function checkWebSocket(endpoint: Endpoint, methods: Set<string>, report: Report): void {
  const { upstream, webSocket, webSocketWeights } = endpoint;
  if (webSocket === undefined) {
    if (webSocketWeights !== undefined) report('weighs a WebSocket method and names none');
    return;
  }
  const name = `${upstream} ${webSocket}`;
  if (!FAMILY_OF_NAME.has(upstream)) report('names a WebSocket method and its upstream has no WebSocket API');
  if (!WEB_SOCKET_METHOD.test(webSocket)) report('the name of its WebSocket method is not canonical');
  if (methods.has(name)) report(`the WebSocket method ${webSocket} stands twice`);
  methods.add(name);
}

function checkPermission(endpoint: Endpoint, denied: boolean, report: Report): void {
  const { permission, raised, security } = endpoint;
  const neverGranted = isNeverGranted(permission);
  if (permission === undefined) report('has no permission');
  else if (!KNOWN.has(permission)) report(`unknown permission ${JSON.stringify(permission)}`);
  if (denied && !neverGranted) report(`is denylisted, so it needs ${NEVER_GRANTED.join(' or ')}`);
  if (!denied && neverGranted) report(`needs ${permission} and is not denylisted`);
  if (security === 'NONE' && permission !== 'market-data') report('needs no key, so it must be market-data');
  if (raised !== undefined && (!KNOWN.has(raised.permission) || raised.permission === permission)) {
    report('is not raised to a further permission');
  }
}

/** Rules go by what a call touches, so none that changes something may leave it open. */
function checkTouches({ method, permission, effect, touches }: Endpoint, report: Report): void {
  if (touches === undefined) {
    if (method !== 'GET') report('changes something and does not say what it touches');
    return;
  }
  if (READING.includes(permission) && touches !== 'nothing')
    report(`needs only ${permission} and touches ${touches}`);
  const changesOrders = effect !== 'none';
  // A countdown cancels later and all there is, and disarming one cancels nothing: it is ruled by its symbol.
  if (changesOrders && touches !== 'orders' && !(effect === 'cancel' && touches === 'symbol'))
    report(`has the effect ${effect} and touches ${touches}`);
  if (!changesOrders && touches === 'orders') report('touches orders and has no effect on them');
}

function isNeverGranted(permission: Permission): boolean {
  return NEVER_GRANTED.includes(permission);
}

function checkCounts({ weights, webSocketWeights = [], orders, upstream }: Endpoint, report: Report): void {
  if (weights.length === 0 && upstream !== 'web') report('has no weight');
  for (const { max, steps } of [...weights, ...webSocketWeights]) {
    if (!isCount(max) || steps?.some((step) => !numbersOf(step).every(isCount))) {
      report('a weight is not an integer of at least 0');
    }
    if (steps?.length === 0) report('a weight has no steps');
  }
  for (const [interval, count] of Object.entries(orders)) {
    if (!INTERVAL.test(interval)) report(`${JSON.stringify(interval)} is not an interval such as 10S`);
    if (!isCount(count) || count === 0) report('an order count is not an integer of at least 1');
  }
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function numbersOf(step: WeightStep): number[] {
  if ('limit' in step) return [step.default, ...step.limit.flat()];
  if ('count' in step) return [step.each, step.cap];
  if ('countSteps' in step) return [step.over, ...step.steps.flat()];
  return [step.w];
}
