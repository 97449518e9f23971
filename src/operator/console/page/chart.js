import { html, useEffect, useRef, useState } from './dom.js';
import UPlot from './uplot.js';

const HEIGHT = 150;

/** Lines over time. `series`: name and values for each; `times` in ms; values from 0 to 1. */
export function Chart({ times, series, label }) {
  const place = useRef();
  const plot = useRef();
  const names = series.map(({ name }) => name).join('\n');
  const [scheme, setScheme] = useState(0);
  useEffect(() => {
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const onChange = () => setScheme((number) => number + 1);
    dark.addEventListener('change', onChange);
    return () => dark.removeEventListener('change', onChange);
  }, []);
  // a new plot only for other lines, or other colours
  useEffect(() => {
    const element = place.current;
    const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const axis = {
      stroke: color('--soft'),
      grid: { stroke: color('--line'), width: 1 },
      ticks: { show: false },
      font: '11px system-ui',
    };
    plot.current = new UPlot(
      {
        width: element.clientWidth || 300,
        height: HEIGHT,
        legend: { show: false },
        cursor: { show: false },
        scales: { y: { range: (_plot, _low, high) => [0, Math.max(0.1, Math.min(1, high * 1.15))] } },
        axes: [
          { ...axis, values: (_plot, ticks) => ticks.map(clock), space: 70 },
          {
            ...axis,
            size: 46,
            values: (_plot, ticks) => ticks.map((tick) => `${Math.round(tick * 1000) / 10} %`),
          },
        ],
        series: [
          {},
          ...series.map((_one, index) => ({
            stroke: color(`--line-${(index % 6) + 1}`),
            width: 2,
            spanGaps: false,
            points: { show: false },
          })),
        ],
      },
      dataOf(times, series),
      element,
    );
    const watcher = new ResizeObserver(() =>
      plot.current?.setSize({ width: element.clientWidth || 300, height: HEIGHT }),
    );
    watcher.observe(element);
    return () => {
      watcher.disconnect();
      plot.current.destroy();
    };
  }, [names, scheme]);
  useEffect(() => plot.current?.setData(dataOf(times, series)));
  return html`<div class="chart">
    <div ref=${place} role="img" aria-label=${label}></div>
    <ul class="legend">${series.map(({ name }, index) => html`<li key=${name}><i class=${`swatch line-${(index % 6) + 1}`}></i>${name}</li>`)}</ul>
  </div>`;
}

const clock = (seconds) => new Date(seconds * 1000).toTimeString().slice(0, 5);
const dataOf = (times, series) => [times.map((ms) => ms / 1000), ...series.map(({ values }) => values)];
