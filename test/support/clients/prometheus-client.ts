import { spawnSync } from 'node:child_process';

const PYTHON = '/usr/bin/python3';
const PARSE = `
import json, sys
from prometheus_client.parser import text_string_to_metric_families
families = text_string_to_metric_families(sys.stdin.read())
print(json.dumps([[s.name, dict(s.labels), repr(float(s.value))] for f in families for s in f.samples]))
`;

/** Whether the parser of Prometheus' own Python client is here (Debian: python3-prometheus-client). */
export const hasPrometheusClient =
  spawnSync(PYTHON, ['-c', 'import prometheus_client.parser'], { stdio: 'ignore' }).status === 0;

if (!hasPrometheusClient) {
  process.stderr.write(
    '\nLEFT OUT: /metrics as Prometheus’ own client reads it ("apt-get install python3-prometheus-client" brings it)\n',
  );
}

/** Name, labels and value of every sample, as the client reads them. @throws Error with what it says of a text it refuses */
export function readWithPrometheusClient(
  text: string,
): readonly (readonly [string, Readonly<Record<string, string>>, number])[] {
  const { status, stdout, stderr } = spawnSync(PYTHON, ['-c', PARSE], { input: text, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  const samples = JSON.parse(stdout) as [string, Record<string, string>, string][];
  return samples.map(([name, labels, value]) => [name, labels, numberOf(value)]);
}

function numberOf(value: string): number {
  if (value === 'inf') return Number.POSITIVE_INFINITY;
  return value === '-inf' ? Number.NEGATIVE_INFINITY : Number(value);
}
