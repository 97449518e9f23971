import { html, useEffect, useRef, useState } from './dom.js';

/** A part that is used of a whole, with marks for what is kept for others. */
export function Bar({ part, label, marks = [] }) {
  const percent = Math.min(100, Math.round(part * 1000) / 10);
  const tone = part >= 0.9 ? 'bad' : part >= 0.7 ? 'warn' : 'good';
  return html`<div class="bar" role="meter" aria-label=${label} aria-valuemin="0" aria-valuemax="100" aria-valuenow=${percent}>
    <i class=${tone} style=${{ width: `${percent}%` }}></i>
    ${marks.map(({ at, name }) => html`<b key=${name} title=${name} style=${{ left: `${at * 100}%` }}></b>`)}
  </div>`;
}

export function Badge({ tone = 'plain', children }) {
  return html`<span class=${`badge ${tone}`}>${children}</span>`;
}

/** A dialog that takes the focus, gives it back, and closes on Escape. */
export function Dialog({ title, onClose, children }) {
  const place = useRef();
  useEffect(() => {
    const { current: element } = place;
    element.showModal();
    return () => element.close();
  }, []);
  return html`<dialog ref=${place} aria-labelledby="dialog-title" onCancel=${(event) => {
    event.preventDefault();
    onClose();
  }}>
    <header><h2 id="dialog-title">${title}</h2><button type="button" class="quiet" onClick=${onClose} aria-label="Close">✕</button></header>
    ${children}
  </dialog>`;
}

/** Hands a text to the browser as a file. */
export function save(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

const TONES_HZ = [660, 880];
const TONE_SECONDS = 0.18;

/** Two short tones, made here: nothing is loaded for them. */
export function ring() {
  const context = new AudioContext();
  for (const [number, hertz] of TONES_HZ.entries()) {
    const tone = new OscillatorNode(context, { frequency: hertz });
    const volume = new GainNode(context, { gain: 0.15 });
    tone.connect(volume).connect(context.destination);
    tone.start(context.currentTime + number * TONE_SECONDS);
    tone.stop(context.currentTime + (number + 1) * TONE_SECONDS);
    if (number === TONES_HZ.length - 1) tone.onended = () => void context.close();
  }
}

const ROW_PX = 40;
const SPARE = 8;

/**
 * A list of any length of which only what is in sight exists. Rows are chosen by arrows, Home, End, and a click.
 * @param rows - the rows; `rowKey` and `children` are called with one of them
 */
export function VirtualList({ rows, rowKey, chosen, onChoose, onTop, label, children }) {
  const place = useRef();
  const [view, setView] = useState({ top: 0, height: 600 });
  useEffect(() => {
    const element = place.current;
    const look = () => {
      setView({ top: element.scrollTop, height: element.clientHeight });
      onTop?.(element.scrollTop < ROW_PX);
    };
    const watcher = new ResizeObserver(look);
    watcher.observe(element);
    element.addEventListener('scroll', look, { passive: true });
    return () => {
      watcher.disconnect();
      element.removeEventListener('scroll', look);
    };
  }, [onTop]);
  const first = Math.max(0, Math.floor(view.top / ROW_PX) - SPARE);
  const last = Math.min(rows.length, Math.ceil((view.top + view.height) / ROW_PX) + SPARE);
  const move = (event) => {
    const at = rows.findIndex((row) => rowKey(row) === chosen);
    const page = Math.max(1, Math.floor(view.height / ROW_PX) - 1);
    const steps = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: -rows.length,
      End: rows.length,
    };
    const step = steps[event.key];
    if (step === undefined || rows.length === 0) return;
    event.preventDefault();
    const next = Math.min(rows.length - 1, Math.max(0, at === -1 ? 0 : at + step));
    onChoose(rows[next]);
    const { current: element } = place;
    if (next * ROW_PX < element.scrollTop) element.scrollTop = next * ROW_PX;
    if ((next + 1) * ROW_PX > element.scrollTop + element.clientHeight)
      element.scrollTop = (next + 1) * ROW_PX - element.clientHeight;
  };
  const idOf = (key) => `row-${key}`;
  const shown = rows.slice(first, last);
  const isShown = shown.some((row) => rowKey(row) === chosen);
  return html`<div class="rows" ref=${place} tabindex="0" role="listbox" aria-label=${label}
      aria-activedescendant=${isShown ? idOf(chosen) : undefined} onKeyDown=${move}>
    <div class="rows-all" role="presentation" style=${{ height: `${rows.length * ROW_PX}px` }}>
      ${shown.map((row, index) => {
        const key = rowKey(row);
        return html`<div key=${key} id=${idOf(key)} class="row" role="option" aria-selected=${key === chosen ? 'true' : 'false'}
          aria-posinset=${first + index + 1} aria-setsize=${rows.length}
          style=${{ top: `${(first + index) * ROW_PX}px` }} onClick=${() => onChoose(row)}>${children(row)}</div>`;
      })}
    </div>
  </div>`;
}
