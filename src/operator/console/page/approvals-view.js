import { get, post } from './ask.js';
import { html, useEffect, useState } from './dom.js';
import { countdown } from './format.js';
import { enrol, signed } from './passkey.js';
import { Badge } from './pieces.js';

/** Calls that wait for a yes, each as a card with all that the yes is about. */
export function ApprovalsView({ overview, version, isLoud, setLoud }) {
  const [tickets, setTickets] = useState();
  const [ended, setEnded] = useState([]);
  const [problem, setProblem] = useState();
  const [, tick] = useState(0);
  const load = async () => {
    try {
      const { approvals } = await get('/operator/approvals');
      setTickets(approvals);
      setProblem(undefined);
    } catch (error) {
      setProblem(error.message);
    }
  };
  // asked again whenever a record came
  useEffect(() => {
    const timer = setTimeout(load, 100);
    return () => clearTimeout(timer);
  }, [version, overview.approvalsPending]);
  useEffect(() => {
    const timer = setInterval(() => tick((number) => number + 1), 500);
    return () => clearInterval(timer);
  }, []);
  const isOneOver = (tickets ?? []).some((ticket) => leftOf(ticket) <= 0);
  // Nobody says that a time is over, so it is asked.
  useEffect(() => {
    if (!isOneOver) return undefined;
    const timer = setInterval(load, 1_000);
    return () => clearInterval(timer);
  }, [isOneOver]);
  const decided = (ticket) => {
    setEnded((before) => [ticket, ...before].slice(0, 20));
    void load();
  };
  return html`
    <div class="toolbar"><span role="status">${tickets === undefined ? 'Loading…' : tickets.length === 0 ? 'Nothing waits for you.' : `${tickets.length} open`}</span><span class="spring"></span>
      <label class="radio"><input type="checkbox" checked=${isLoud} onInput=${(event) => setLoud(event.target.checked)} /> Sound when one comes</label>
      <${Enrolment} /></div>
    ${problem === undefined ? '' : html`<p class="notice bad" role="alert">${problem}</p>`}
    <div class="grid">${(tickets ?? []).map((ticket) => html`<${Card} key=${ticket.id} ticket=${ticket} you=${overview.you} onDecided=${decided} />`)}</div>
    ${ended.length === 0 ? '' : html`<section class="card wide"><h2>Decided here</h2><ul class="stack">${ended.map(({ id, words, state }) => html`<li key=${id}><${Badge} tone=${state === 'denied' ? 'bad' : 'good'}>${state}<//> ${words}</li>`)}</ul></section>`}`;
}

const leftOf = ({ useUntil, decideUntil }) => Date.parse(useUntil ?? decideUntil) - Date.now();

function Card({ ticket, you, onDecided }) {
  const { id, state, words, facts, parameters, digest, digestPairs, client, approvers, quorum, notBy } =
    ticket;
  const [isDenying, setDenying] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState();
  const leftMs = leftOf(ticket);
  const mayNot = notBy.includes(you.name);
  const hasSaidYes = approvers.includes(you.name);
  const decide = async (body) => {
    setBusy(true);
    setProblem(undefined);
    try {
      const passkey = you.passkeyRequired ? { passkey: await signed(id, body.decision) } : {};
      onDecided(await post(`/operator/approvals/${id}`, { ...body, ...passkey }));
    } catch (error) {
      setProblem(error.message);
    }
    setBusy(false);
  };
  return html`<section class="card approval" aria-label=${words}>
    <header><h2>${client}</h2><${Badge} tone=${state === 'approved' ? 'good' : 'warn'}>${state}<//>
      <span class="spring"></span><time class=${leftMs < 30_000 ? 'late' : ''}>${leftMs > 0 ? countdown(leftMs) : 'over'}</time></header>
    <p class="words">${words}</p>
    <ul>${facts.map((fact) => html`<li key=${fact}>${fact}</li>`)}</ul>
    <details><summary>All parameters, and the digest</summary><pre tabindex="0">${parameters}</pre></details>
    <p class="digest">Digest <code>${digestPairs}</code></p>
    ${quorum > 1 ? html`<p class="soft">${approvers.length} of ${quorum} said yes${approvers.length > 0 ? `: ${approvers.join(', ')}` : ''}.</p>` : ''}
    ${mayNot ? html`<p class="notice warn">Its rules leave you out: another operator has to say yes.</p>` : ''}
    ${problem === undefined ? '' : html`<p class="notice bad" role="alert">${problem}</p>`}
    ${
      isDenying
        ? html`<form onSubmit=${(event) => {
            event.preventDefault();
            void decide({ decision: 'deny', reason: event.target.elements.reason.value });
          }}><label><span>Why not (the app does not see it; the record does)</span><input name="reason" required maxlength="200" autocomplete="off" autofocus /></label>
      <footer><button type="button" onClick=${() => setDenying(false)}>Back</button><button type="submit" class="danger" disabled=${isBusy}>Say no</button></footer></form>`
        : html`<footer><button type="button" class="danger" disabled=${isBusy} onClick=${() => setDenying(true)}>No…</button>
        ${state === 'pending' && !mayNot && !hasSaidYes ? html`<button type="button" class="main" disabled=${isBusy || leftMs <= 0} onClick=${() => decide({ decision: 'approve', digest })}>${you.passkeyRequired ? 'Yes, with passkey' : 'Yes'}</button>` : ''}</footer>`
    }
  </section>`;
}

/** Takes a passkey of this machine, for operators whose yes needs one. */
function Enrolment() {
  const [said, setSaid] = useState('');
  const add = async () => {
    try {
      await enrol();
      setSaid('The passkey was added.');
    } catch (error) {
      setSaid(error.message);
    }
  };
  return html`<button type="button" onClick=${add}>Add a passkey</button> <span role="status" class="soft">${said}</span>`;
}
