export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"/;
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  counter: [''],
  gauge: [''],
  histogram: ['_bucket', '_sum', '_count'],
};

/**
 * Reads the text exposition format 0.0.4 by its own rules (numbers as Go's ParseFloat takes them), so that what prom-client wrote is read by somebody else:
 * HELP and TYPE before the samples, families in one piece, no series twice, histograms cumulative and complete.
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 * @throws Error that names the first line that breaks a rule
 */
export function readPrometheusText(text: string): ReadonlyMap<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line has no line break');
  const families = new Map<string, { name: string; type: string; help: string; samples: Sample[] }>();
  const series = new Set<string>();
  let current: { name: string; type: string; help: string; samples: Sample[] } | undefined;
  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '') continue;
    const comment = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/.exec(line);
    if (comment !== null) {
      const [, kind, name = '', rest = ''] = comment;
      if (kind === 'HELP') {
        if (families.has(name)) throw new Error(`a second family: ${line}`);
        current = { name, type: '', help: rest, samples: [] };
        families.set(name, current);
      } else {
        if (current?.name !== name || current.type !== '') throw new Error(`a TYPE out of place: ${line}`);
        if (SUFFIXES[rest] === undefined) throw new Error(`an unexpected type: ${line}`);
        current.type = rest;
      }
      continue;
    }
    if (line.startsWith('#')) throw new Error(`an unexpected comment: ${line}`);
    const sample = readSample(line);
    if (current === undefined || !SUFFIXES[current.type]?.some((end) => sample.name === current?.name + end))
      throw new Error(`a sample outside of its family: ${line}`);
    const identity = JSON.stringify([sample.name, Object.entries(sample.labels).toSorted()]);
    if (series.has(identity)) throw new Error(`a series twice: ${line}`);
    series.add(identity);
    current.samples.push(sample);
  }
  for (const family of families.values()) if (family.type === 'histogram') checkHistogram(family);
  return families;
}

function readSample(line: string): Sample {
  const name = NAME.exec(line)?.[0];
  if (name === undefined) throw new Error(`a line without a name: ${line}`);
  let rest = line.slice(name.length);
  const labels: Record<string, string> = {};
  if (rest.startsWith('{')) {
    rest = rest.slice(1);
    while (!rest.startsWith('}')) {
      const found = LABEL.exec(rest);
      if (found === null) throw new Error(`a broken label: ${line}`);
      const [whole, label = '', value = ''] = found;
      if (Object.hasOwn(labels, label)) throw new Error(`a label twice: ${line}`);
      labels[label] = value.replaceAll(/\\(["\\n])/g, (_, escaped: string) =>
        escaped === 'n' ? '\n' : escaped,
      );
      rest = rest.slice(whole.length);
      if (rest.startsWith(',')) rest = rest.slice(1);
      else if (!rest.startsWith('}')) throw new Error(`a broken label set: ${line}`);
    }
    rest = rest.slice(1);
  }
  const number = /^ ([Nn]a[Nn]|[+-]Inf|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/.exec(rest)?.[1];
  if (number === undefined) throw new Error(`a broken value: ${line}`);
  return { name, labels, value: Number(number.replace(/nan/i, 'NaN').replace('Inf', 'Infinity')) };
}

function checkHistogram({ name, samples }: Family): void {
  const children = new Map<
    string,
    { buckets: [number, number][]; count: number | undefined; sum: boolean }
  >();
  for (const { name: sampleName, labels, value } of samples) {
    const { le, ...others } = labels;
    const key = JSON.stringify(Object.entries(others).toSorted());
    const child = children.get(key) ?? { buckets: [], count: undefined, sum: false };
    children.set(key, child);
    if (sampleName.endsWith('_bucket')) child.buckets.push([Number(le?.replace('Inf', 'Infinity')), value]);
    else if (sampleName.endsWith('_count')) child.count = value;
    else child.sum = true;
  }
  for (const { buckets, count, sum } of children.values()) {
    const rising = buckets.every(([le, value], at) => {
      const [lastLe, lastValue] = buckets[at - 1] ?? [Number.NEGATIVE_INFINITY, 0];
      return le > lastLe && value >= lastValue;
    });
    const [lastLe, lastValue] = buckets.at(-1) ?? [];
    if (!rising || !sum || lastLe !== Number.POSITIVE_INFINITY || lastValue !== count)
      throw new Error(`a histogram that does not add up: ${name}`);
  }
}

/** The value of the one series that has (at least) these labels; undefined when there is none. */
export function sampleOf(
  families: ReadonlyMap<string, Family>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const family = families.get(name) ?? families.get(name.replace(/_(?:bucket|sum|count)$/, ''));
  return family?.samples.find(
    (sample) =>
      sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  )?.value;
}
