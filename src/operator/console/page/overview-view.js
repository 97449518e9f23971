import { Chart } from './chart.js';
import { html } from './dom.js';
import { ago, budgetName, count, dayOf, duration, isShared, millis } from './format.js';
import { Badge, Bar } from './pieces.js';

/** How the proxy is, what is not well before everything else. */
export function OverviewView({ overview }) {
  return html`
    <${Verdict} ...${overview} />
    <div class="grid">
      <${Facts} ...${overview} />
      <${Latency} ...${overview.calls} />
      <${Keys} ...${overview} />
      <${Budgets} ...${overview} />
      <${CallsByClient} ...${overview} />
      <${Refusals} ...${overview.calls} />
      ${overview.unresolved.length > 0 ? html`<${Unresolved} ...${overview} />` : ''}
    </div>`;
}

function Verdict({ troubles }) {
  if (troubles.length === 0)
    return html`<section class="verdict good" role="status"><h2>All is well</h2><p>Calls are signed, recorded and sent.</p></section>`;
  const worst = troubles.some(({ level }) => level === 'bad');
  return html`<section class=${`verdict ${worst ? 'bad' : 'warn'}`} role="status">
    <h2>${troubles.length === 1 ? 'One thing needs you' : `${troubles.length} things need you`}</h2>
    <ul>${troubles.map(({ level, what, advice }) => html`<li key=${what} class=${level}><strong>${what}</strong><span>${advice}</span></li>`)}</ul>
  </section>`;
}

function Facts({
  environment,
  isLive,
  version,
  nowMs,
  startedMs,
  status,
  openSockets,
  unresolved,
  isAuditStored,
}) {
  const { clock, audit } = status;
  const offset = clock.offsetMs === undefined ? '' : `, ${offsetText(Math.round(clock.offsetMs))}`;
  const facts = [
    ['Environment', html`${environment} ${isLive ? html`<${Badge} tone="bad">live money<//>` : ''}`],
    ['Ready', status.ready ? html`<${Badge} tone="good">yes<//>` : html`<${Badge} tone="bad">no<//>`],
    ['Running for', `${duration(nowMs - startedMs)} (version ${version})`],
    ['Clock of Binance', clock.synced ? `known${offset}` : html`<${Badge} tone="bad">unknown<//>`],
    [
      'Audit',
      audit.available
        ? isAuditStored
          ? 'stored and chained'
          : 'on the log only'
        : html`<${Badge} tone="bad">cannot be written<//>`,
    ],
    ['Sockets of apps', count(openSockets)],
    ['Orders with unknown fate', count(unresolved.length)],
  ];
  return html`<section class="card"><h2>The proxy</h2><dl>${facts.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl></section>`;
}

function offsetText(ms) {
  if (ms === 0) return 'as this machine’s';
  return `${Math.abs(ms)} ms ${ms > 0 ? 'ahead of' : 'behind'} this machine`;
}

function Latency({ added, upstream, recentMinutes }) {
  const row = (name, { calls, p50Ms, p99Ms }) =>
    html`<tr><th scope="row">${name}</th><td>${millis(p50Ms)}</td><td>${millis(p99Ms)}</td><td>${count(calls)}</td></tr>`;
  return html`<section class="card"><h2>Latency, last ${recentMinutes} min</h2>
    <table><thead><tr><th scope="col"><span class="hidden">Part</span></th><th scope="col">half within</th><th scope="col">99 % within</th><th scope="col">calls</th></tr></thead>
    <tbody>${row('Added here', added)}${row('Binance', upstream)}</tbody></table>
    <p class="soft">Added is everything but waiting for budget and waiting for Binance.</p></section>`;
}

const VERDICTS = { passed: 'good', off: 'plain', skipped: 'plain', pending: 'warn', failed: 'bad' };

function Keys({ status, nowMs }) {
  const keys = Object.entries(status.preflight);
  return html`<section class="card"><h2>Keys</h2><ul class="keys">${keys.map(
    ([account, verdict]) =>
      html`<${Key} key=${account} account=${account} verdict=${verdict} care=${status.keys[account] ?? {}} waiting=${status.newKeys[account]} ends=${status.tradingAuthorityEnds[account]} nowMs=${nowMs} />`,
  )}</ul></section>`;
}

const DAY_MS = 86_400_000;
const SOON_MS = 14 * DAY_MS;

/** What is known of the key of an account; what would be better otherwise stands out. */
function Key({ account, verdict, care, waiting, ends, nowMs }) {
  const { ageDays, maxAgeDays, lastUsed, ipRestrict, tooMuch = [] } = care;
  const isOld = ageDays !== undefined && typeof maxAgeDays === 'number' && ageDays >= maxAgeDays;
  const facts = [
    [
      'IP list',
      ipRestrict === undefined
        ? 'not told'
        : ipRestrict
          ? 'yes'
          : html`<${Badge} tone="warn">none: usable from anywhere<//>`,
    ],
    [
      'Age',
      ageDays === undefined
        ? 'not told'
        : html`${count(ageDays)} ${ageDays === 1 ? 'day' : 'days'} ${isOld ? html`<${Badge} tone="warn">older than ${maxAgeDays}<//>` : ''}`,
    ],
    ['Last use by an app', lastUsed === undefined ? 'none yet' : ago(Date.parse(lastUsed), nowMs)],
  ];
  if (ends !== undefined)
    facts.push([
      'May trade until',
      Date.parse(ends) - nowMs < SOON_MS ? html`<${Badge} tone="warn">${dayOf(ends)}<//>` : dayOf(ends),
    ]);
  if (care.switches !== undefined)
    facts.push([
      'Switched on, needed by nobody',
      tooMuch.length === 0
        ? 'nothing'
        : tooMuch.map(
            (name) =>
              html`<${Badge} key=${name} tone=${name === 'enableWithdrawals' ? 'bad' : 'warn'}>${name}<//> `,
          ),
    ]);
  if (waiting !== undefined) facts.push(['New key', waiting]);
  return html`<li><header class="inline"><h3>${account}</h3><${Badge} tone=${VERDICTS[verdict] ?? 'warn'}>preflight ${verdict}<//></header>
    <dl>${facts.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl></li>`;
}

function Budgets({ budgets, history, lanes }) {
  const { buckets } = budgets;
  const shown = buckets.toSorted((one, other) =>
    one.scope === other.scope ? 0 : one.scope === 'ip' ? -1 : 1,
  );
  const marks = [
    { at: lanes.general, name: 'Reads end here: the rest is kept for orders and cancels' },
    { at: lanes.orders, name: 'Orders end here: the rest is kept for cancels' },
  ];
  const series = shown
    .filter(({ key }) => history.used[key]?.some((part) => part > 0))
    .slice(0, 6)
    .map((bucket) => ({ name: budgetName(bucket), values: history.used[bucket.key] }));
  return html`<section class="card wide"><h2>Budgets</h2>
    ${shown.length === 0 ? html`<p class="soft">Nothing was charged yet.</p>` : ''}
    <ul class="bars">${shown.map((bucket) => {
      const { key, used, reported, limit } = bucket;
      const most = Math.max(used, reported);
      return html`<li key=${key}><span class="name">${budgetName(bucket)}</span>
        <${Bar} part=${limit === 0 ? 1 : most / limit} label=${budgetName(bucket)} marks=${isShared(bucket) ? marks : []} />
        <span class="number">${count(most)} / ${count(limit)}</span></li>`;
    })}</ul>
    ${series.length === 0 || history.timesMs.length < 3 ? '' : html`<h3>Last 15 minutes</h3><${Chart} times=${history.timesMs} series=${series} label="Used part of each budget over the last 15 minutes" />`}
  </section>`;
}

function CallsByClient({ calls, nowMs }) {
  const rows = calls.clients.toSorted((one, other) => other.recent.calls - one.recent.calls);
  return html`<section class="card"><h2>Calls, last ${calls.recentMinutes} min</h2>
    ${
      rows.length === 0
        ? html`<p class="soft">No call yet.</p>`
        : html`<table><thead><tr><th scope="col">Client</th><th scope="col">calls</th><th scope="col">refused</th><th scope="col">unknown</th><th scope="col">last</th></tr></thead>
    <tbody>${rows.map(({ client, recent, lastSeenMs }) => html`<tr key=${client}><th scope="row">${client}</th><td>${count(recent.calls)}</td><td>${count(recent.refused)}</td><td>${count(recent.unknown)}</td><td>${ago(lastSeenMs, nowMs)}</td></tr>`)}</tbody></table>`
    }
  </section>`;
}

function Refusals({ refusals, recentMinutes }) {
  const rows = refusals.slice(0, 12);
  return html`<section class="card"><h2>Refusals, last ${recentMinutes} min</h2>
    ${
      rows.length === 0
        ? html`<p class="soft">Nothing was refused.</p>`
        : html`<table><thead><tr><th scope="col">Error and rule</th><th scope="col">times</th></tr></thead>
    <tbody>${rows.map(
      ({ error, rule, count: times }) =>
        html`<tr key=${`${error} ${rule}`}><th scope="row"><code>${error}</code>${rule === undefined ? '' : html`<div class="soft">${rule}</div>`}</th><td>${count(times)}</td></tr>`,
    )}</tbody></table>`
    }
  </section>`;
}

function Unresolved({ unresolved, nowMs }) {
  return html`<section class="card wide"><h2>Orders with unknown fate</h2><table><thead><tr><th scope="col">Client</th><th scope="col">symbol</th><th scope="col">id</th><th scope="col">sent</th></tr></thead>
    <tbody>${unresolved.map((order) => html`<tr key=${order.requestId}><th scope="row">${order.client}</th><td>${order.symbol}</td><td><code>${order.clientOrderId ?? order.requestId}</code></td><td>${ago(order.sentAtMs, nowMs)}</td></tr>`)}</tbody></table></section>`;
}
