import { get, post, withQuery } from './ask.js';
import { meets, summaryOf, toCsv } from './calls.js';
import { html, useEffect, useMemo, useRef, useState } from './dom.js';
import { count, dayOf, millis, timeOfDay } from './format.js';
import { Badge, Bar, save, VirtualList } from './pieces.js';

const EVENTS = [
  'call',
  'call.signed',
  'call.completed',
  'call.refused',
  'call.resolved',
  'policy',
  'approval',
  'passkey',
  'state',
  'order',
  'refusals',
  'watch',
  'operator',
  'notice',
  'clients',
  'config',
  'socket',
  'proxy',
  'clock',
  'key',
  'preflight',
  'upstream',
  'budget',
  'audit',
  'library',
];
const NOTHING = { client: '', symbol: '', event: '', outcome: '', error: '', id: '', since: '', until: '' };
const PORTION = 500;
const FURTHER_PORTION = 1_000;

/** Records as they come and as they were, joined to calls. */
export function AuditView({ overview, calls, version, look }) {
  const [filter, setFilter] = useState(NOTHING);
  const [chosen, setChosen] = useState();
  const [search, setSearch] = useState({ state: 'idle' });
  const [held, setHeld] = useState();
  const [, again] = useState(0);
  const asked = useRef(0);
  const { since, until } = filter;
  // the version says that the rows have changed
  const met = useMemo(() => {
    const from = since === '' ? '' : isoOf(since);
    const to = until === '' ? '' : isoOf(until);
    return calls.rows.filter(
      (row) => meets(row, filter) && (from === '' || row.time >= from) && (to === '' || row.time < to),
    );
  }, [version, filter, calls.version]);
  const rows = held ?? met;

  const load = async (before) => {
    const number = ++asked.current;
    setSearch({ state: 'busy' });
    try {
      const said = await get(
        withQuery('/operator/records', {
          ...filter,
          since: isoOf(since),
          until: isoOf(until),
          limit: before === undefined ? PORTION : FURTHER_PORTION,
          before,
        }),
      );
      if (number !== asked.current) return;
      // The filter itself names the search.
      calls.add(said.records, filter);
      if (before !== undefined) setHeld(undefined);
      again(calls.version);
      setSearch({ state: 'done', ...said });
    } catch (error) {
      if (number === asked.current) setSearch({ state: 'failed', problem: error.message });
    }
  };
  // a search for every filter, a moment after its last change
  useEffect(() => {
    const timer = setTimeout(load, 250);
    return () => clearTimeout(timer);
  }, [filter]);

  // Records that come show that the proxy answers again.
  useEffect(() => {
    if (search.state === 'failed') void load();
  }, [calls.version]);

  const set = (name) => (event) => {
    setHeld(undefined);
    setFilter({ ...filter, [name]: event.target.value.trim() });
  };
  const row = rows.find(({ key }) => key === chosen);
  const shownRecords = () => rows.toReversed().flatMap(({ records }) => records);
  const [onTop] = useState(() => ({ current: undefined }));
  onTop.current = (isTop) =>
    setHeld((before) => (isTop && chosen === undefined ? undefined : (before ?? met)));
  // What somebody looks at stays where it is while others come.
  const choose = ({ key }) => {
    setChosen(key);
    setHeld(rows);
  };
  const goOn = () => {
    setChosen(undefined);
    setHeld(undefined);
    document.querySelector('.rows')?.scrollTo(0, 0);
  };
  const [tellTop] = useState(() => (isTop) => onTop.current(isTop));
  const fresh = held === undefined ? 0 : met.length - held.length;
  return html`
    <form class="filters" role="search" onSubmit=${(event) => event.preventDefault()}>
      <${Choice} name="Client" value=${filter.client} onInput=${set('client')} choices=${overview.clients.map(({ name }) => name)} />
      <${Field} name="Symbol" value=${filter.symbol} onInput=${set('symbol')} placeholder="BTCUSDT" />
      <${Choice} name="Event" value=${filter.event} onInput=${set('event')} choices=${EVENTS} />
      <${Choice} name="Outcome" value=${filter.outcome} onInput=${set('outcome')} choices=${['answered', 'not-sent', 'unknown']} />
      <${Field} name="Error" value=${filter.error} onInput=${set('error')} placeholder="PROXY_…" />
      <${Field} name="Id" value=${filter.id} onInput=${set('id')} placeholder="order or request" />
      <${Field} name="From" type="datetime-local" value=${since} onInput=${set('since')} />
      <${Field} name="Until" type="datetime-local" value=${until} onInput=${set('until')} />
    </form>
    <div class="toolbar">
      <span role="status">${count(rows.length)} ${rows.length === 1 ? 'row' : 'rows'}${search.state === 'busy' ? ', searching…' : ''}</span>
      ${fresh > 0 ? html`<button type="button" class="main" onClick=${goOn}>${fresh} new: show</button>` : ''}
      <span class="spring"></span>
      <button type="button" class="quiet" onClick=${() => setFilter(NOTHING)}>Clear the filter</button>
      <button type="button" onClick=${() =>
        save(
          'records.ndjson',
          'application/x-ndjson',
          `${shownRecords()
            .map((record) => JSON.stringify(record))
            .join('\n')}\n`,
        )}>Export NDJSON</button>
      <button type="button" onClick=${() => save('records.csv', 'text/csv', toCsv(shownRecords()))}>Export CSV</button>
      ${overview.isAuditStored ? html`<${Verification} look=${look} />` : ''}
    </div>
    ${search.state === 'failed' ? html`<p class="notice bad" role="alert">${search.problem}</p>` : ''}
    ${overview.isAuditStored ? '' : html`<p class="notice warn">Without an audit folder only the last records are here, in memory. Set BINANCE_PROXY_AUDIT_DIR to keep them.</p>`}
    <div class=${`split ${row === undefined ? '' : 'open'}`}>
      <div class="list">
        ${rows.length === 0 && search.state !== 'busy' ? html`<p class="empty">No record is like this.</p>` : ''}
        ${
          rows.length === 0
            ? ''
            : html`<${VirtualList} rows=${rows} rowKey=${({ key }) => key} chosen=${chosen} label="Records, the latest first"
          onChoose=${choose} onTop=${tellTop}>${(one) => html`<${Line} row=${one} />`}<//>`
        }
        ${search.state === 'done' && !search.isComplete ? html`<${More} ...${search} isFull=${calls.isFull} onMore=${() => load(search.before)} />` : ''}
      </div>
      ${row === undefined ? '' : html`<${Life} row=${row} onClose=${goOn} />`}
    </div>`;
}

/** How far back was searched, and the way further. */
function More({ backTo, isFull, onMore }) {
  return html`<p class="more">Searched back to ${dayOf(backTo)} ${timeOfDay(backTo)}. ${
    isFull
      ? 'The page holds no more records: narrow the search by time or by another field.'
      : html`<button type="button" onClick=${onMore}>Search on</button>`
  }</p>`;
}

/** A time as a browser's field gives it, in UTC. */
function isoOf(text) {
  if (text === '') return '';
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? '' : at.toISOString();
}

function Field({ name, ...rest }) {
  return html`<label><span>${name}</span><input autocomplete="off" spellcheck=${false} ...${rest} /></label>`;
}

function Choice({ name, choices, value, onInput }) {
  return html`<label><span>${name}</span><select aria-label=${name} value=${value} onInput=${onInput}><option value="">all</option>${choices.map(
    (choice) => html`<option key=${choice} value=${choice}>${choice}</option>`,
  )}</select></label>`;
}

const TONES = { answered: 'good', 'not-sent': 'plain', unknown: 'bad' };

function Line({ row }) {
  const { client, what, symbols, order, outcome, error, rule, durationMs, event, level } = summaryOf(row);
  const tone =
    error === undefined ? (TONES[outcome] ?? (level >= 50 ? 'bad' : level >= 40 ? 'warn' : 'plain')) : 'warn';
  return html`<span class="when" title=${row.time}>${timeOfDay(row.time)}</span>
    <span class="client">${client ?? ''}</span>
    <span class="what"><b>${symbols.join(', ')}</b> ${order} <span class="soft">${what}</span></span>
    <span class="took">${durationMs === undefined ? '' : millis(durationMs)}</span>
    <span class="how"><${Badge} tone=${tone}>${error === undefined ? (outcome ?? event) : (rule ?? error)}<//></span>`;
}

/** The whole life of a call: its records in their order. */
function Life({ row, onClose }) {
  const place = useRef();
  // Beside the list it is in sight; above the list, on a narrow screen, it may not be.
  useEffect(() => {
    if (matchMedia('(max-width: 62rem)').matches) place.current.scrollIntoView();
  }, [row.key]);
  return html`<aside ref=${place} class="life" aria-label="The records of this row">
    <header><h2>${row.records.length === 1 ? row.records[0].event : `${row.records.length} records`}</h2>
      <button type="button" class="quiet" onClick=${onClose} aria-label="Close">✕</button></header>
    <p class="soft">${dayOf(row.time)} ${timeOfDay(row.time)}${row.records[0].requestId ? html` · <code>${row.records[0].requestId}</code>` : ''}</p>
    <ol>${row.records.map(
      (record) => html`<li key=${`${record.seq} ${record.event}`}>
      <h3>${record.event} ${record.outcome ? html`<${Badge} tone=${TONES[record.outcome] ?? 'plain'}>${record.outcome}<//>` : ''}</h3>
      <dl>${Object.entries(record)
        .filter(([name]) => !HEAD.includes(name))
        .map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${shown(value)}</dd></div>`)}</dl>
    </li>`,
    )}</ol>
  </aside>`;
}

const HEAD = ['event', 'level', 'requestId', 'outcome'];

function shown(value) {
  if (typeof value !== 'object' || value === null) return String(value);
  return html`<pre tabindex="0">${JSON.stringify(value, undefined, 1)}</pre>`;
}

const VERDICTS = {
  whole: ({ records, firstSeq, lastSeq }) =>
    `The chain is whole: ${count(records)} records, ${firstSeq} to ${lastSeq}.`,
  broken: ({ problem }) => `The chain is broken. ${problem}`,
  failed: ({ problem }) => problem,
};

/** Checks the chain of all day files, and shows how far it has come. */
function Verification({ look }) {
  const [check, setCheck] = useState({ state: 'never' });
  const follow = async (ask) => {
    try {
      let said = await ask();
      while (said.state === 'running') {
        setCheck(said);
        await new Promise((resolve) => setTimeout(resolve, 300));
        said = await get('/operator/verification');
      }
      setCheck(said);
    } catch (error) {
      setCheck({ state: 'failed', problem: error.message });
    }
    look();
  };
  const tell = VERDICTS[check.state];
  return html`<span class="verification">
    <button type="button" disabled=${check.state === 'running'} onClick=${() => follow(() => post('/operator/verification', {}))}>Verify the chain</button>
    ${check.state === 'running' ? html`<${Bar} part=${check.totalBytes === 0 ? 0 : Math.min(0.69, check.bytes / check.totalBytes)} label="Checked so far" />` : ''}
    ${tell === undefined ? '' : html`<span class=${check.state === 'whole' ? 'good-text' : 'bad-text'} role="status">${tell(check)} ${(check.notes ?? []).join(' ')}</span>`}
  </span>`;
}
