import { get, post, withQuery } from './ask.js';
import { html, useState } from './dom.js';
import { ago, count } from './format.js';
import { Badge, Bar, Dialog } from './pieces.js';

const STATES = ['run', 'reduce-only', 'cancel-only', 'halt'];
const TONES = { run: 'good', 'reduce-only': 'warn', 'cancel-only': 'warn', halt: 'bad' };
const MEANING = {
  run: 'Everything that its rules allow passes.',
  'reduce-only': 'Reads, cancels and orders that reduce a position pass (on spot: cancels only).',
  'cancel-only': 'Reads and cancels pass; nothing new is placed.',
  halt: 'Nothing passes but public market data. Cancels neither: cancel here what should go.',
};
const WHOLE = { scope: 'proxy', name: '' };
/** By itself the strictest comes first. */
const strictness = ({ state }) => STATES.indexOf(state);

/** Clients with what they may, what they used of it, and the states that hold. */
export function ClientsView({ overview, calls, look }) {
  const [wish, setWish] = useState();
  const [suggested, setSuggested] = useState();
  const accounts = [...new Set(overview.clients.map(({ account }) => account))].filter((name) => name !== '');
  return html`
    <${Scopes} ...${overview} accounts=${accounts} onSet=${setWish} />
    <div class="grid">${overview.clients.map((client) => html`<${ClientCard} key=${client.name} client=${client} overview=${overview} onSet=${setWish} onSuggest=${setSuggested} />`)}</div>
    ${
      wish === undefined
        ? ''
        : html`<${StateDialog} wish=${wish} calls=${calls} onClose=${() => {
            setWish(undefined);
            look();
          }} />`
    }
    ${suggested === undefined ? '' : html`<${Suggestion} client=${suggested} onClose=${() => setSuggested(undefined)} />`}`;
}

function stateOf(states, { scope, name }) {
  return states.find((one) => one.scope === scope && one.name === name)?.state ?? 'run';
}

function nameOf({ scope, name }) {
  return scope === 'proxy' ? 'the whole proxy' : `the ${scope} ${name}`;
}

function Scopes({ states, accounts, onSet }) {
  const others = states.filter(({ scope }) => scope === 'symbol');
  const scopes = [WHOLE, ...accounts.map((name) => ({ scope: 'account', name })), ...others];
  const [symbol, setSymbol] = useState('');
  return html`<section class="card wide"><h2>Stops</h2>
    <ul class="scopes">${scopes.map((scope) => {
      const entry = states.find((one) => one.scope === scope.scope && one.name === scope.name);
      return html`<li key=${`${scope.scope} ${scope.name}`}><strong>${scope.scope === 'proxy' ? 'Whole proxy' : `${scope.scope} ${scope.name}`}</strong>
        <${Badge} tone=${TONES[entry?.state ?? 'run']}>${entry?.state ?? 'run'}<//>
        ${entry === undefined || entry.state === 'run' ? '' : html`<span class="soft">${entry.operator}: ${entry.reason}</span>`}
        <span class="spring"></span><${StateButtons} scope=${scope} states=${states} onSet=${onSet} /></li>`;
    })}</ul>
    <form class="inline" onSubmit=${(event) => {
      event.preventDefault();
      if (symbol !== '') onSet({ scope: 'symbol', name: symbol.toUpperCase(), state: 'cancel-only' });
    }}><label><span>Stop one symbol</span><input value=${symbol} onInput=${(event) => setSymbol(event.target.value.trim())} placeholder="BTCUSDT" autocomplete="off" /></label><button type="submit">Stop…</button></form>
  </section>`;
}

function StateButtons({ scope, states, onSet }) {
  const present = stateOf(states, scope);
  return html`<span class="buttons" role="group" aria-label=${`State of ${nameOf(scope)}`}>${STATES.filter(
    (state) => state !== present,
  ).map(
    (state) =>
      html`<button type="button" key=${state} class=${state === 'halt' ? 'danger' : state === 'run' ? 'main' : ''} onClick=${() => onSet({ ...scope, state })}>${state === 'run' ? 'Run again' : state}</button>`,
  )}</span>`;
}

function ClientCard({ client, overview, onSet, onSuggest }) {
  const { name, account, permissions, symbols, order, today, weight, requestsPerSecond, policyMode } = client;
  const scope = { scope: 'client', name };
  const holding = overview.states
    .filter(
      (one) =>
        one.scope === 'proxy' ||
        (one.scope === 'client' && one.name === name) ||
        (one.scope === 'account' && one.name === account),
    )
    .toSorted((one, other) => strictness(other) - strictness(one))[0];
  const state = holding?.state ?? 'run';
  const tally = overview.calls.clients.find((one) => one.client === name);
  return html`<section class="card client">
    <header><h2>${name}</h2><${Badge} tone=${TONES[state]}>${state}<//>${policyMode === 'report' ? html`<${Badge} tone="warn">report only<//>` : ''}</header>
    ${holding === undefined || state === 'run' ? '' : html`<p class="soft">${nameOf(holding)}, by ${holding.operator}: ${holding.reason}</p>`}
    <dl>
      <div><dt>Account</dt><dd>${account || 'none'}</dd></div>
      <div><dt>Last call</dt><dd>${ago(client.lastSeenMs, overview.nowMs)}</dd></div>
      <div><dt>Last ${overview.calls.recentMinutes} min</dt><dd>${count(tally?.recent.calls ?? 0)} calls, ${count(tally?.recent.refused ?? 0)} refused</dd></div>
      <div><dt>May</dt><dd>${permissions.map((permission) => html`<code key=${permission} class="chip">${permission}</code> `)}</dd></div>
      <div><dt>Symbols</dt><dd>${symbols === undefined ? 'all' : symbols.map((symbol) => html`<code key=${symbol} class="chip">${symbol}</code> `)}</dd></div>
      ${requestsPerSecond === undefined ? '' : html`<div><dt>Calls a second</dt><dd>at most ${requestsPerSecond}</dd></div>`}
    </dl>
    <${Limits} order=${order ?? {}} today=${today} weight=${weight} />
    <footer><${StateButtons} scope=${scope} states=${overview.states} onSet=${onSet} />
      ${overview.isAuditStored ? html`<button type="button" class="quiet" onClick=${() => onSuggest(name)}>What it needs…</button>` : ''}</footer>
  </section>`;
}

function Limits({ order, today, weight }) {
  const { maxPerDay, maxNotionalPerDay = {}, ...rest } = order;
  const bars = [];
  if (maxPerDay !== undefined) bars.push({ name: 'Orders in 24 h', used: today.orders, limit: maxPerDay });
  for (const [asset, limit] of Object.entries(maxNotionalPerDay))
    bars.push({ name: `${asset} in 24 h`, used: Number(today.notional[asset] ?? 0), limit: Number(limit) });
  if (weight.perMinute !== undefined)
    bars.push({ name: 'Weight a minute', used: weight.used, limit: weight.perMinute });
  const others = Object.entries(rest);
  return html`
    ${bars.length === 0 ? '' : html`<ul class="bars">${bars.map(({ name, used, limit }) => html`<li key=${name}><span class="name">${name}</span><${Bar} part=${limit === 0 ? 1 : used / limit} label=${name} /><span class="number">${count(used)} / ${count(limit)}</span></li>`)}</ul>`}
    ${others.length === 0 ? '' : html`<dl>${others.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${plain(value)}</dd></div>`)}</dl>`}`;
}

function plain(value) {
  if (Array.isArray(value)) return value.join(', ');
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.entries(value)
    .map(([name, one]) => `${name} ${typeof one === 'object' ? JSON.stringify(one) : one}`)
    .join(', ');
}

/** Asks for the reason, and for what becomes of resting orders; shows what came of it while it comes. */
function StateDialog({ wish, calls, onClose }) {
  const [result, setResult] = useState();
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState();
  const [since] = useState(() => new Date().toISOString());
  const { scope, name, state } = wish;
  const steps = calls.records.filter(({ event, time }) => /^state\./.test(event) && time >= since);
  const send = async (event) => {
    event.preventDefault();
    const { reason, cancel } = event.target.elements;
    setBusy(true);
    setProblem(undefined);
    try {
      const whose = scope === 'proxy' ? {} : { [scope]: name };
      setResult(
        await post('/operator/states', {
          state,
          reason: reason.value,
          cancel: cancel?.value ?? 'none',
          ...whose,
        }),
      );
    } catch (error) {
      setProblem(error.message);
    }
    setBusy(false);
  };
  return html`<${Dialog} title=${`Set ${nameOf(wish)} to ${state}`} onClose=${onClose}>
    <p>${MEANING[state]}</p>
    ${
      result === undefined
        ? html`<form onSubmit=${send}>
      <label><span>Reason (it is recorded)</span><input name="reason" required maxlength="200" autocomplete="off" autofocus /></label>
      ${
        state === 'run'
          ? ''
          : html`<fieldset><legend>Resting orders</legend>
        <label class="radio"><input type="radio" name="cancel" value="own" checked /> cancel those placed through this proxy</label>
        <label class="radio"><input type="radio" name="cancel" value="all" /> cancel all of the account, hand-placed ones too</label>
        <label class="radio"><input type="radio" name="cancel" value="none" /> leave them</label></fieldset>`
      }
      ${problem === undefined ? '' : html`<p class="notice bad" role="alert">${problem}</p>`}
      ${isBusy ? html`<p role="status">Under way… the state holds already; what rests is being cancelled.</p>` : ''}
      <footer><button type="button" onClick=${onClose}>Leave it</button><button type="submit" class=${state === 'run' ? 'main' : 'danger'} disabled=${isBusy}>Set to ${state}</button></footer>
    </form>`
        : html`<${Result} ...${result} onClose=${onClose} />`
    }
    ${steps.length === 0 ? '' : html`<ul class="steps">${steps.map((record) => html`<li key=${record.seq}><code>${record.event}</code> ${record.msg ?? ''} ${plain(record.detail ?? {})}</li>`)}</ul>`}
  <//>`;
}

function Result({ state, persistent, cancelled, left = [], notes = [], onClose }) {
  return html`<div role="status">
    <p><${Badge} tone=${TONES[state]}>${state}<//> ${persistent ? 'It survives a restart.' : 'It does not survive a restart: there is no state folder.'}</p>
    <p>Orders cancelled: ${count(cancelled ?? 0)}. Left: ${count(left.length)}.</p>
    ${left.length === 0 ? '' : html`<ul>${left.map((order, index) => html`<li key=${index}><code>${JSON.stringify(order)}</code></li>`)}</ul>`}
    ${notes.map((note) => html`<p key=${note} class="notice warn">${note}</p>`)}
    <footer><button type="button" class="main" onClick=${onClose} autofocus>Done</button></footer></div>`;
}

const SPANS = { '1d': 'a day', '7d': '7 days', '14d': '14 days', '30d': '30 days' };

/** The least that a client's own history needs, as configuration. */
function Suggestion({ client, onClose }) {
  const [said, setSaid] = useState({});
  const [since, setSince] = useState('14d');
  const load = async (event) => {
    event.preventDefault();
    setSaid({ isBusy: true });
    try {
      setSaid(await get(withQuery('/operator/suggestion', { client, since })));
    } catch (error) {
      setSaid({ problem: error.message });
    }
  };
  return html`<${Dialog} title=${`What ${client} needs`} onClose=${onClose}>
    <p>The least permissions, symbols, types, values and rates with which everything that it did would have passed.</p>
    <form class="inline" onSubmit=${load}><label><span>Its calls of the last</span><select value=${since} onInput=${(event) => setSince(event.target.value)}>${Object.entries(SPANS).map(([value, name]) => html`<option key=${value} value=${value}>${name}</option>`)}</select></label><button type="submit" class="main" disabled=${said.isBusy}>Read its records</button></form>
    ${said.isBusy ? html`<p role="status">Reading…</p>` : ''}
    ${said.problem === undefined ? '' : html`<p class="notice bad" role="alert">${said.problem}</p>`}
    ${said.yaml === undefined ? '' : html`<pre tabindex="0" class="yaml">${said.yaml}</pre><footer><button type="button" onClick=${() => navigator.clipboard?.writeText(said.yaml)}>Copy</button></footer>`}
  <//>`;
}
