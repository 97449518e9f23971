/** More records than this are not kept. */
const MOST = 110_000;
/** What is kept when there were more, so that it is not done anew for each that comes. */
const KEPT = 100_000;

/**
 * Records, joined to calls: a call is one row with its whole life, any other record a row of its own. When there are too
 * many, the oldest go first, but what the present search found goes last.
 */
export class Calls {
  #rows = [];
  #byKey = new Map();
  #seen = new Set();
  #search;
  /** Counts changes, so that a view knows when to look again. */
  version = 0;

  /** All rows, the latest first. */
  get rows() {
    return this.#rows;
  }

  get records() {
    return this.#rows.flatMap(({ records }) => records);
  }

  /** Whether further records of the present search would push out those before them. */
  get isFull() {
    return (
      this.#search !== undefined && this.#seen.size >= KEPT && this.#rows.at(-1)?.search === this.#search
    );
  }

  clear() {
    this.#rows = [];
    this.#byKey.clear();
    this.#seen.clear();
    this.version++;
  }

  /** Takes records in any order; one that is there already is not taken twice. `search` names the search that found them. */
  add(records, search) {
    if (search !== undefined) this.#search = search;
    const fresh = [];
    for (const record of records) {
      const number = numberOf(record);
      const key = record.requestId ?? `seq-${number}`;
      const row = this.#byKey.get(key);
      if (row !== undefined && search !== undefined) row.search = search;
      if (this.#seen.has(number)) continue;
      this.#seen.add(number);
      if (row === undefined) {
        const made = { key, time: record.time, order: record.seq ?? 0, records: [record], search };
        this.#byKey.set(key, made);
        fresh.push(made);
      } else insert(row, record);
    }
    if (fresh.length > 0) this.#merge(fresh);
    if (this.#seen.size > MOST) this.#trim();
    this.version++;
  }

  #merge(fresh) {
    fresh.sort(latestFirst);
    const [first] = this.#rows;
    const all = fresh.concat(this.#rows);
    // What comes live is younger than all that is there.
    this.#rows = first === undefined || latestFirst(fresh.at(-1), first) < 0 ? all : all.sort(latestFirst);
  }

  #trim() {
    const gone = new Set();
    for (const isFound of [false, true])
      for (let at = this.#rows.length - 1; at >= 0 && this.#seen.size > KEPT; at--) {
        const row = this.#rows[at];
        if ((row.search !== undefined && row.search === this.#search) !== isFound) continue;
        gone.add(row);
        this.#byKey.delete(row.key);
        for (const record of row.records) this.#seen.delete(numberOf(record));
      }
    this.#rows = this.#rows.filter((row) => !gone.has(row));
  }
}

const numberOf = ({ seq, time, event, requestId }) => seq ?? `${time}${event}${requestId ?? ''}`;

function insert(row, record) {
  row.records = [...row.records, record].sort((one, other) => (one.seq ?? 0) - (other.seq ?? 0));
  row.time = row.records[0].time;
  row.order = row.records[0].seq ?? 0;
}

const latestFirst = (one, other) =>
  one.time === other.time ? other.order - one.order : one.time < other.time ? 1 : -1;

/** What a row says at one glance. */
export function summaryOf({ records }) {
  const find = (name) => records.findLast((record) => record[name] !== undefined)?.[name];
  const last = records.at(-1);
  const end = records.findLast(({ outcome, error }) => outcome !== undefined || error !== undefined) ?? last;
  const orders = find('orders') ?? [];
  const params = find('params') ?? {};
  return {
    event: last.event,
    level: Math.max(...records.map(({ level }) => level ?? 30)),
    client: find('client'),
    what:
      find('method') === undefined
        ? (last.msg ?? aboutOf(last.detail))
        : `${find('method')} ${find('path') ?? ''}`,
    symbols: symbolsOf(orders, params),
    order: orderText(orders.length === 0 ? [params] : orders),
    outcome: end.outcome,
    error: find('error'),
    rule: find('rule'),
    status: find('status'),
    code: find('code'),
    durationMs: find('durationMs'),
  };
}

function aboutOf(detail) {
  if (detail === undefined) return '';
  return Object.entries(detail)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}

function symbolsOf(orders, params) {
  const names = orders.length > 0 ? orders.map(({ symbol }) => symbol) : [params.symbol];
  return [...new Set(names.filter((name) => typeof name === 'string'))];
}

function orderText(orders) {
  const [order] = orders;
  if (order?.side === undefined) return '';
  const amount = order.quantity ?? order.quoteOrderQty ?? '';
  const price = order.price === undefined ? '' : ` @ ${order.price}`;
  const more = orders.length > 1 ? ` and ${orders.length - 1} more` : '';
  return `${order.side} ${order.type ?? ''} ${amount}${price}${more}`;
}

/** Whether a row meets a filter; an empty text asks for nothing. What was judged once is not judged again. */
export function meets(row, filter) {
  if (row.judgedBy !== filter || row.judged !== row.records) {
    row.judgedBy = filter;
    row.judged = row.records;
    row.isMet = judge(row, filter);
  }
  return row.isMet;
}

function judge(row, { client, symbol, event, outcome, error, id }) {
  const any = (test) => row.records.some(test);
  if (client && !any((record) => record.client === client)) return false;
  if (event && !any((record) => record.event === event || record.event.startsWith(`${event}.`))) return false;
  if (outcome && !any((record) => record.outcome === outcome)) return false;
  if (error && !any((record) => record.error === error)) return false;
  if (symbol && !any((record) => says(record, symbol.toUpperCase()))) return false;
  return !id || any((record) => record.requestId === id || says(record, id));
}

function says({ orders, params, orderId, clientOrderId }, wanted) {
  const values = [
    ...(orders ?? [params ?? {}]).flatMap(Object.values),
    orderId ?? [],
    clientOrderId ?? [],
  ].flat();
  return values.some(
    (value) =>
      value === wanted || (typeof value === 'string' && /^[[{]/.test(value) && value.includes(`"${wanted}"`)),
  );
}

/** The rows of these as lines for a spreadsheet, which must not take a text for a formula. */
export function toCsv(records) {
  const names = [
    'time',
    'seq',
    'event',
    'requestId',
    'client',
    'account',
    'upstream',
    'method',
    'path',
    'permission',
    'outcome',
    'status',
    'code',
    'error',
    'rule',
    'msg',
    'durationMs',
    'weight',
    'orders',
    'params',
  ];
  const lines = records.map((record) => names.map((name) => cell(record[name])).join(','));
  return `${names.join(',')}\r\n${lines.join('\r\n')}\r\n`;
}

function cell(value) {
  if (value === undefined) return '';
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
