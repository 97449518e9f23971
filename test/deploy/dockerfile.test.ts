import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { argsOf, execForm, readDockerfile, type Stage, stageOf } from '../support/images/dockerfile.ts';

const root = new URL('../../', import.meta.url);
const dockerfile = readDockerfile();
const runtime = stageOf(dockerfile, 'runtime');
const debug = stageOf(dockerfile, 'debug');

function namesIn(stage: Stage): readonly string[] {
  return stage.instructions.map(({ name }) => name);
}

describe('the Dockerfile', () => {
  it('The Dockerfile builds the distroless stage unless told otherwise', () => {
    expect(dockerfile.stages.map(({ name }) => name)).toEqual(['build', 'debug', 'runtime']);
    expect(dockerfile.globals.get('RUNTIME_IMAGE')).toMatch(/distroless\/nodejs26-debian13:nonroot$/);
    expect(dockerfile.globals.get('BUILD_IMAGE')).toMatch(/\/node:26-/);
  });

  it('The Dockerfile lets every base be pinned by digest, and uses no other base', () => {
    expect([...dockerfile.globals.keys()]).toEqual([
      'BUILD_IMAGE',
      'BUILD_DIGEST',
      'RUNTIME_IMAGE',
      'RUNTIME_DIGEST',
    ]);
    for (const { base } of dockerfile.stages)
      expect(base).toMatch(/^\$\{(BUILD|RUNTIME)_IMAGE\}\$\{\1_DIGEST\}$/);
  });

  it('The Dockerfile runs nothing in the stages that run: there is no shell to run it', () => {
    expect(namesIn(runtime)).not.toContain('RUN');
    expect(namesIn(debug)).not.toContain('RUN');
    for (const { instructions } of dockerfile.stages) {
      for (const { name, args } of instructions) {
        if (['RUN', 'CMD', 'ENTRYPOINT'].includes(name)) expect(() => execForm(args)).not.toThrow();
      }
    }
  });

  it('The Dockerfile builds from what the lockfile pins, without install scripts, with the Node of the base', () => {
    const build = stageOf(dockerfile, 'build');
    const runs = build.instructions.filter(({ name }) => name === 'RUN').map(({ args }) => execForm(args));
    // Without --omit: the bundler is for development, its native part optional.
    expect(runs[0]).toEqual(['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund']);
    // What npm would find first is the Node that stands in the lockfile.
    expect(runs[1]).toEqual(['/usr/local/bin/node', 'scripts/build.ts']);
  });

  it.each([runtime, debug])('The stage $name copies the build and what it reads, and no package', (stage) => {
    const copied = stage.instructions.filter(({ name }) => name === 'COPY').map(({ args }) => args);
    expect(copied.filter((args) => !args.includes('--chown='))).toEqual([
      '--from=build /app/dist ./dist',
      'package.json LICENSE ./',
      'config/catalogue ./config/catalogue',
    ]);
  });

  it.each([runtime, debug])('The stage $name is no root, knows its signal and its health', (stage) => {
    expect(argsOf(stage, 'USER')).toMatch(/^[1-9]\d{3,}:[1-9]\d{3,}$/);
    expect(argsOf(stage, 'STOPSIGNAL')).toBe('SIGTERM');
    expect(execForm(argsOf(stage, 'HEALTHCHECK')).slice(-2)).toEqual(['dist/program/main.js', 'healthcheck']);
    expect(execForm(argsOf(stage, 'CMD'))).toEqual(['serve']);
    expect(argsOf(stage, 'ENV')).toBe(argsOf(runtime, 'ENV'));
  });

  it('The Dockerfile labels the image', () => {
    for (const label of ['title', 'description', 'licenses', 'version', 'revision'])
      expect(argsOf(runtime, 'LABEL')).toContain(`org.opencontainers.image.${label}=`);
  });

  it('The image starts under the permission model, and both stages start alike', () => {
    const [node, ...flags] = execForm(argsOf(runtime, 'ENTRYPOINT'));
    expect(node).toBe('/nodejs/bin/node');
    expect(flags).toEqual(
      expect.arrayContaining(['--permission', '--allow-net', '--disable-sigusr1', '--disable-proto=throw']),
    );
    for (const never of [
      '--allow-child-process',
      '--allow-worker',
      '--allow-addons',
      '--allow-wasi',
      '--inspect',
    ])
      expect(flags).not.toContain(never);
    const writes = flags.flatMap((flag) => /^--allow-fs-write=(.*)$/.exec(flag)?.[1] ?? []);
    expect(writes).toEqual(['/run/binance-proxy', '/var/lib/binance-proxy']);
    const reads = flags.flatMap((flag) => /^--allow-fs-read=(.*)$/.exec(flag)?.[1] ?? []);
    const ownNumbers = ['status', 'fd', 'limits'].map((name) => `/proc/self/${name}`);
    expect(reads).toEqual(['/app', '/etc/binance-proxy', '/run/secrets', ...writes, ...ownNumbers]);
    expect(execForm(argsOf(debug, 'ENTRYPOINT')).slice(1)).toEqual(flags);
    const [probe] = [runtime, debug].map((stage) => execForm(argsOf(stage, 'HEALTHCHECK')).slice(1));
    expect(probe?.some((flag) => flag.startsWith('--allow-fs-write'))).toBe(false);
  });

  it('The Dockerfile copies what exists, owned by root but for the two folders that are written to', () => {
    for (const stage of dockerfile.stages) {
      for (const { name, args } of stage.instructions) {
        if (name !== 'COPY') continue;
        const flags = args.split(' ').filter((part) => part.startsWith('--'));
        const paths = args.split(' ').filter((part) => !part.startsWith('--'));
        if (flags.some((flag) => flag.startsWith('--from='))) {
          const owned = flags.includes('--chown=65532:65532');
          expect([args, owned]).toEqual([args, /^\/own\/(?:lib|run)$/.test(paths[0] ?? '')]);
        } else {
          expect(flags).toEqual([]);
          for (const path of paths.slice(0, -1))
            expect([path, existsSync(new URL(path, root))]).toEqual([path, true]);
        }
      }
    }
  });
});
