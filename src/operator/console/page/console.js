import { ApprovalsView } from './approvals-view.js';
import { get, listen, logIn, logOut, Refusal, whenLoggedOut } from './ask.js';
import { AuditView } from './audit-view.js';
import { Calls } from './calls.js';
import { ClientsView } from './clients-view.js';
import { html, render, useEffect, useRef, useState } from './dom.js';
import { OverviewView } from './overview-view.js';
import { ring } from './pieces.js';

const LOOK_EVERY_MS = 5_000;
const VIEWS = { overview: 'Overview', audit: 'Audit', clients: 'Clients', approvals: 'Approvals' };
const NEWS = /^(approval|state|config|upstream|preflight|budget)\./;

const viewOf = () => {
  const name = location.hash.slice(2);
  return Object.hasOwn(VIEWS, name) ? name : 'overview';
};

/** What the page knows: everything below is drawn from it. */
function App() {
  const [overview, setOverview] = useState();
  const [isOut, setOut] = useState(false);
  const [trouble, setTrouble] = useState();
  const [stream, setStream] = useState('away');
  const [missed, setMissed] = useState(0);
  const [view, setView] = useState(viewOf);
  const [, setVersion] = useState(0);
  const [isLoud, setLoud] = useState(false);
  const heard = useRef(0);
  const calls = useRef();
  calls.current ??= new Calls();
  const look = () =>
    get('/operator/overview').then(
      (said) => {
        setOverview(said);
        setOut(false);
        setTrouble(undefined);
      },
      (error) => {
        if (error.status !== 401) setTrouble(error.message);
      },
    );

  useEffect(() => {
    whenLoggedOut(() => {
      setOut(true);
      setOverview(undefined);
      calls.current.clear();
    });
    void look();
    const onHash = () => setView(viewOf());
    addEventListener('hashchange', onHash);
    return () => removeEventListener('hashchange', onHash);
  }, []);

  const isIn = overview !== undefined && !isOut;
  useEffect(() => {
    if (!isIn) return undefined;
    // A page that nobody looks at does not keep its session awake.
    const timer = setInterval(() => document.hidden || look(), LOOK_EVERY_MS);
    const catchUp = () =>
      get('/operator/records?limit=300').then(
        ({ records }) => take(records),
        () => {},
      );
    const take = (records) => {
      calls.current.add(records);
      setVersion(calls.current.version);
      if (records.some(({ event }) => NEWS.test(event))) void look();
    };
    const end = listen({
      tell: take,
      missed: (number) => setMissed((before) => before + number),
      note(how) {
        setStream(how);
        // What was written while nobody listened is read, and a session that ended meanwhile shows.
        if (how === 'open') void catchUp();
        void look();
      },
    });
    return () => {
      clearInterval(timer);
      end();
    };
  }, [isIn]);

  const pending = overview?.approvalsPending ?? 0;
  useEffect(() => {
    document.title = `${pending > 0 ? `(${pending}) ` : ''}${isIn ? VIEWS[view] : 'Log in'} · Signing proxy`;
  }, [pending, view, isIn]);

  // heard where somebody asked for it, once for each that comes
  useEffect(() => {
    if (isLoud && pending > heard.current) ring();
    heard.current = pending;
  }, [pending, isLoud]);

  if (isOut) return html`<${Login} onIn=${look} />`;
  if (!isIn) return html`<p class="boot" role="status">${trouble ?? 'Loading…'}</p>`;
  const shared = { overview, calls: calls.current, version: calls.current.version, look, isLoud, setLoud };
  const views = { overview: OverviewView, audit: AuditView, clients: ClientsView, approvals: ApprovalsView };
  return html`
    <a class="skip" href="#main" onClick=${(event) => {
      event.preventDefault();
      document.getElementById('main').focus();
    }}>To the content</a>
    <header class="top">
      <div class="brand"><img src="/console/icon.svg" alt="" width="26" height="26" /><strong>Signing proxy</strong>
        <span class=${`badge ${overview.isLive ? 'bad' : 'plain'}`}>${overview.isLive ? 'live' : overview.environment}</span></div>
      <nav aria-label="Views">${Object.entries(VIEWS).map(
        ([name, title]) =>
          html`<a key=${name} href=${`#/${name}`} aria-current=${name === view ? 'page' : undefined}>${title}${
            name === 'approvals' && pending > 0 ? html` <span class="badge warn">${pending}</span>` : ''
          }</a>`,
      )}</nav>
      <div class="who"><span class=${`pulse ${stream}`} title=${stream === 'open' ? 'Records come live' : 'No live stream'}></span>
        <span>${overview.you.name}</span><button type="button" class="quiet" onClick=${() => logOut().finally(look)}>Log out</button></div>
    </header>
    ${trouble === undefined ? '' : html`<p class="notice bad" role="alert">${trouble} What you see may be old.</p>`}
    ${trouble === undefined && stream !== 'open' ? html`<p class="notice warn" role="status">Records do not come live at the moment; the page tries again by itself.</p>` : ''}
    ${missed > 0 ? html`<p class="notice warn" role="status">${missed} records came faster than they could be shown; they are in the audit. <button type="button" class="quiet" onClick=${() => setMissed(0)}>Understood</button></p>` : ''}
    <main id="main" tabindex="-1"><h1 class="hidden">${VIEWS[view]}</h1><${views[view]} ...${shared} /></main>`;
}

function Login({ onIn }) {
  const [problem, setProblem] = useState();
  const [isBusy, setBusy] = useState(false);
  const send = async (event) => {
    event.preventDefault();
    const field = event.target.elements.token;
    setBusy(true);
    try {
      await logIn(field.value.trim());
      field.value = '';
      await onIn();
    } catch (error) {
      setProblem(error instanceof Refusal ? error.message : 'Something went wrong in the page.');
    }
    setBusy(false);
  };
  return html`<main class="login"><form onSubmit=${send}>
    <img src="/console/icon.svg" alt="" width="48" height="48" />
    <h1>Signing proxy</h1>
    <p>Log in with your operator’s token. A lost one is replaced by the command <code>operator new</code>.</p>
    <label for="token">Token</label>
    <input id="token" name="token" type="password" autocomplete="current-password" required autofocus />
    ${problem === undefined ? '' : html`<p class="notice bad" role="alert">${problem}</p>`}
    <button type="submit" class="main" disabled=${isBusy}>Log in</button>
  </form></main>`;
}

render(html`<${App} />`, document.getElementById('app'));
document.querySelector('body > #app > .boot')?.remove();
