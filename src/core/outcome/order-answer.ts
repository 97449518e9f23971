/** What an answer says about an order. Ids are texts with Binance's digits, because they exceed a double. */
export interface OrderAnswer {
  readonly orderId?: string;
  readonly clientOrderId?: string;
  readonly symbol?: string;
  /** `status` of an order, `listOrderStatus` of a list, `algoStatus` of an algo order …, as Binance wrote it. */
  readonly status?: string;
  /** Filled quantity as Binance wrote it. */
  readonly executedQty?: string;
  readonly code?: number;
  /** At most 200 characters, without control characters. */
  readonly msg?: string;
}

const MAX_TEXT = 200;
/**
 * Numbers that keep their digits. They are put in quotes before the text is parsed, which costs a tenth of a reviver.
 * Within a string the quotes of such a name would be escaped.
 */
const LEXEME =
  /("(?:orderId|algoId|strategyId|executedQty|filledQty)"\s*:\s*)(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?=\s*[,}])/g;
const ORDER_ID_NAMES = ['orderId', 'algoId', 'strategyId'];
const CLIENT_ID_NAMES = ['listClientOrderId', 'clientOrderId', 'clientAlgoId', 'newClientStrategyId'];
const STATUS_NAMES = ['status', 'listOrderStatus', 'algoStatus', 'strategyStatus'];
const QUANTITY_NAMES = ['executedQty', 'filledQty'];

type JsonObject = Readonly<Record<string, unknown>>;

/**
 * What an audit record says about an answer: of a list its own id and its first leg's orderId, of a cancelReplace the
 * new order, of a batch the first element. Never throws; a text that is no JSON gives an empty object.
 */
export function readOrderAnswer(bodyText: string): OrderAnswer {
  const value = parse(bodyText);
  const first = Array.isArray(value) ? value.find(isObject) : value;
  return isObject(first) ? readOne(first) : {};
}

/** Each order of an answer: the elements of a batch, the legs of a list, both halves of a cancelReplace. */
export function readOrderAnswers(bodyText: string): readonly OrderAnswer[] {
  const value = parse(bodyText);
  if (Array.isArray(value)) return value.map((each: unknown) => (isObject(each) ? readOne(each) : {}));
  if (!isObject(value)) return [];
  const legs = legsOf(value);
  if (legs.length > 0) return legs.map(readOne);
  const halves = halvesOf(value);
  if (halves !== undefined) return halves.filter(isObject).map(readOne);
  return [readOne(value)];
}

/**
 * Error codes of the elements of a batch or of the two halves of a cancelReplace; an element is undefined where it
 * succeeded. Undefined for every other answer.
 */
export function readElementCodes(bodyText: string): readonly (number | undefined)[] | undefined {
  const value = parse(bodyText);
  const elements = Array.isArray(value) ? value : isObject(value) ? halvesOf(value) : undefined;
  return elements?.map((each: unknown) => {
    const code = isObject(each) ? readCode(each) : undefined;
    return code !== undefined && code < 0 ? code : undefined;
  });
}

/** The rows of an answer that is a list of orders, plain or under `orders`; undefined when it is no list. */
export function readOrderRows(bodyText: string): readonly OrderAnswer[] | undefined {
  const value = parse(bodyText);
  const rows = isObject(value) ? value.orders : value;
  return Array.isArray(rows) ? rows.filter(isObject).map(readOne) : undefined;
}

/** Whether a text is JSON at all. */
export function isJson(text: string): boolean {
  return parse(text) !== undefined;
}

/** The text that was parsed last, which is asked about several times in a row. Nobody changes what is in it. */
let parsed: { readonly text: string; readonly value: unknown } = { text: '', value: undefined };

/** The value of a text; undefined when it is no JSON. */
function parse(text: string): unknown {
  if (text !== parsed.text) parsed = { text, value: tryToParse(text) };
  return parsed.value;
}

function tryToParse(text: string): unknown {
  try {
    return JSON.parse(text.replace(LEXEME, '$1"$2"'));
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readOne(object: JsonObject): OrderAnswer {
  const code = readCode(object) ?? maintenanceCode(object);
  const order = mainOrder(object);
  const answer: { -readonly [K in keyof OrderAnswer]: OrderAnswer[K] } = {};
  const orderId = readFirst(order, ORDER_ID_NAMES) ?? readFirst(legsOf(order)[0], ORDER_ID_NAMES);
  const clientOrderId = readFirst(order, clientIdNames(order));
  const symbol = readFirst(order, ['symbol']);
  const status = readFirst(order, STATUS_NAMES);
  const executedQty = readFirst(order, QUANTITY_NAMES);
  const msg = readFirst(object, ['msg', 'message']);
  if (orderId !== undefined) answer.orderId = orderId;
  if (clientOrderId !== undefined) answer.clientOrderId = clientOrderId;
  if (symbol !== undefined) answer.symbol = symbol;
  if (status !== undefined) answer.status = status;
  if (executedQty !== undefined) answer.executedQty = executedQty;
  if (code !== undefined) answer.code = code;
  if (msg !== undefined) answer.msg = msg;
  return answer;
}

/** The object that describes the order: the new order of a cancelReplace, the amended order of an amend, or itself. */
function mainOrder(object: JsonObject): JsonObject {
  if (isObject(object.amendedOrder)) return object.amendedOrder;
  const halves = halvesOf(object);
  return halves !== undefined && isObject(halves[1]) ? halves[1] : object;
}

/** The cancel and the new order of a cancelReplace. They are under `data` when one of them failed. */
function halvesOf(object: JsonObject): readonly [unknown, unknown] | undefined {
  const holder = isObject(object.data) ? object.data : object;
  if (!('cancelResponse' in holder) && !('newOrderResponse' in holder)) return undefined;
  return [holder.cancelResponse, holder.newOrderResponse];
}

function legsOf(object: JsonObject): readonly JsonObject[] {
  const legs = Array.isArray(object.orderReports) ? object.orderReports : object.orders;
  return Array.isArray(legs) ? legs.filter(isObject) : [];
}

/** Of a cancelled order `origClientOrderId` is its id; `clientOrderId` is the id of the cancel. */
function clientIdNames(order: JsonObject): readonly string[] {
  return order.status === 'CANCELED' ? ['origClientOrderId', ...CLIENT_ID_NAMES] : CLIENT_ID_NAMES;
}

/** Some /sapi modules write their codes as strings. */
function readCode(object: JsonObject): number | undefined {
  const { code } = object;
  if (typeof code === 'number') return Number.isSafeInteger(code) ? code : undefined;
  return typeof code === 'string' && /^-?\d{1,9}$/.test(code) ? Number(code) : undefined;
}

function readFirst(object: JsonObject | undefined, names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = object?.[name];
    if (typeof value === 'string' && value !== '') return clean(value);
  }
  return undefined;
}

function clean(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: removing them is the purpose
  const printable = text.slice(0, 4 * MAX_TEXT).replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, '');
  return printable.slice(0, MAX_TEXT).toWellFormed();
}

/** Futures may answer `{"239999": …}` during maintenance: the name of the only member is the code. */
function maintenanceCode(object: JsonObject): number | undefined {
  const [name = '', ...others] = Object.keys(object);
  return others.length === 0 && /^\d{5,9}$/.test(name) ? Number(name) : undefined;
}
