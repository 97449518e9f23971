import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import program from '../../package.json' with { type: 'json' };
import lock from '../../package-lock.json' with { type: 'json' };
import { readDockerfile, stageOf } from '../support/images/dockerfile.ts';

const root = new URL('../../', import.meta.url);

interface Bom {
  readonly bomFormat: string;
  readonly metadata: { readonly component: { readonly version: string } };
  readonly components: readonly {
    readonly name: string;
    readonly version: string;
    readonly properties: readonly { readonly name: string }[];
  }[];
}

describe('a release', () => {
  it('The version is the same in package.json, the lockfile and the image', () => {
    expect([lock.version, lock.packages[''].version]).toEqual([program.version, program.version]);
    const labels = stageOf(readDockerfile(), 'runtime').instructions.filter(({ name }) => name === 'ARG');
    expect(labels.map(({ args }) => args)).toContain(`VERSION="${program.version}"`);
  });

  it('The parts list is CycloneDX and names every package that the program is made of, apart from those of its development', () => {
    const [npm = '', ...args] = program.scripts['build:sbom'].split(' ');
    const bom = JSON.parse(execFileSync(npm, args, { cwd: root, encoding: 'utf8' })) as Bom;
    expect([bom.bomFormat, bom.metadata.component.version]).toEqual(['CycloneDX', program.version]);
    const required = bom.components
      .filter(({ properties }) => !properties.some(({ name }) => name === 'cdx:npm:package:development'))
      .map(({ name, version }) => `${name}@${version}`);
    const named = (list: Readonly<Record<string, string>>) =>
      Object.entries(list).map(([name, version]) => `${name}@${version}`);
    expect(required).toEqual(expect.arrayContaining(named(program.dependencies)));
    for (const each of named(program.devDependencies)) expect(required).not.toContain(each);
  });

  it('The workflow of a common CI runs what .ci/run runs', () => {
    const workflow = parse(readFileSync(new URL('.github/workflows/ci.yml', root), 'utf8')) as {
      jobs: { test: { steps: { run?: string }[] } };
    };
    expect(workflow.jobs.test.steps.map(({ run }) => run)).toContain('.ci/run');
  });
});
