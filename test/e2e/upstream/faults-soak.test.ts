import { expect, it } from 'vitest';
import { soak } from '../../../bench/memory/soak.ts';
import { portion } from '../../support/properties.ts';

const SECONDS = portion(60, 5);

it('A soak with one fault in twenty calls sends nothing twice, misjudges nothing, and finds everything out', async () => {
  const report = await soak({ seconds: SECONDS, callsPerSecond: 200, faultShare: 0.05 });
  expect(report).toMatchObject({ duplicates: [], wrong: [], unresolved: [], underWay: 0 });
  expect(report.answered + report.unknown + report.notSent + report.cut).toBe(report.calls);
  expect(report.faults).toBeGreaterThan(report.calls / 40);
  expect(report.unknown).toBeGreaterThan(report.calls / 200);
});
