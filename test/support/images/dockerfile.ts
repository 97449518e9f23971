import { readFileSync } from 'node:fs';

interface Instruction {
  readonly name: string;
  readonly args: string;
}

export interface Stage {
  readonly name: string;
  readonly base: string;
  readonly instructions: readonly Instruction[];
}

export interface Dockerfile {
  /** ARG lines before the first stage, by name. */
  readonly globals: ReadonlyMap<string, string>;
  readonly stages: readonly Stage[];
}

const INSTRUCTIONS = new Set(
  'ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL RUN STOPSIGNAL USER WORKDIR'.split(' '),
);

/** The repository's Dockerfile by stages; an instruction that is not expected in it is an error. */
export function readDockerfile(): Dockerfile {
  const text = readFileSync(new URL('../../../Dockerfile', import.meta.url), 'utf8');
  const lines = text
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\s*\\\n\s*/g, ' ')
    .split('\n');
  const globals = new Map<string, string>();
  const stages: (Stage & { instructions: Instruction[] })[] = [];
  for (const line of lines) {
    if (line.trim() === '') continue;
    const [, name = '', args = ''] = /^([A-Z]+) +(.+)$/.exec(line) ?? [];
    if (!INSTRUCTIONS.has(name)) throw new Error(`an unexpected line in the Dockerfile: ${line}`);
    const stage = stages.at(-1);
    if (name === 'FROM') {
      const [, base = '', stageName = ''] = /^(\S+) AS (\S+)$/.exec(args) ?? [];
      stages.push({ name: stageName, base, instructions: [] });
    } else if (stage === undefined) {
      const [variable = '', value = ''] = args.split('=');
      globals.set(variable, value.replaceAll('"', ''));
    } else {
      stage.instructions.push({ name, args });
    }
  }
  return { globals, stages };
}

export function stageOf(dockerfile: Dockerfile, name: string): Stage {
  const stage = dockerfile.stages.find((each) => each.name === name);
  if (stage === undefined) throw new Error(`the Dockerfile has no stage ${name}`);
  return stage;
}

/** The arguments of the only instruction of that name. */
export function argsOf(stage: Stage, name: string): string {
  const found = stage.instructions.filter((each) => each.name === name);
  if (found.length !== 1) throw new Error(`${stage.name} has ${found.length} ${name} instructions`);
  return found[0]!.args;
}

/** What the ENV instruction of a stage sets. */
export function environmentOf(stage: Stage): Readonly<Record<string, string>> {
  return Object.fromEntries(
    argsOf(stage, 'ENV')
      .split(/ +/)
      .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  );
}

/** The exec form of an instruction as a list. */
export function execForm(args: string): readonly string[] {
  return JSON.parse(args.slice(args.indexOf('['))) as string[];
}
