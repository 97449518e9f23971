import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { folderWith } from '../support/fixtures/config-folder.ts';
import { CHILD_ENV, MAIN } from '../support/processes/child.ts';

type Shell = 'bash' | 'zsh' | 'fish';

const SHELLS: readonly Shell[] = ['bash', 'zsh', 'fish'];
const has = (shell: Shell) => spawnSync(shell, ['--version']).status === 0;
const missing = SHELLS.filter((shell) => !has(shell));
if (missing.length > 0) process.stdout.write(`Not installed, so not tried: ${missing.join(', ')}.\n`);

const scripts = new Map<Shell, string>();
beforeAll(() => {
  for (const shell of SHELLS) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, 'completion', shell], {
      encoding: 'utf8',
      env: CHILD_ENV,
    });
    expect([shell, status, stderr]).toEqual([shell, 0, '']);
    scripts.set(shell, stdout);
  }
});

const EXPECTED: readonly (readonly [typed: string, offered: readonly string[]])[] = [
  ['', ['init', 'serve', 'client', 'audit', 'reload', 'completion', '--version']],
  ['au', ['audit']],
  ['audit ', ['tail', 'show', 'report', 'verify']],
  ['audit t', ['tail']],
  ['audit tail --', ['--client', '--error', '--since', '--json', '--help']],
  ['audit verify --', ['--key-file', '--from-seq']],
  ['audit show --outcome ', ['answered', 'not-sent', 'unknown']],
  ['client ', ['new', 'list', 'rotate', 'revoke']],
  ['client new bot --for ', ['agent', 'bot', 'dashboard']],
  ['init --environment ', ['live', 'testnet', 'demo', 'simulator']],
  ['init --li', ['--library']],
  ['completion ', ['bash', 'zsh', 'fish']],
];

describe.runIf(has('bash'))('completion for bash', () => {
  /** What bash offers after these words. */
  function offers(typed: string, cwd = folderWith()): readonly string[] {
    const words = `binance-signing-proxy ${typed}`.split(' ');
    const lines = [
      scripts.get('bash'),
      `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')})`,
      `COMP_CWORD=${words.length - 1}`,
      '_binance_signing_proxy',
      `printf '%s\\n' "\${COMPREPLY[@]}"`,
    ];
    const { stdout, stderr, status } = spawnSync('bash', ['--norc', '-c', lines.join('\n')], {
      cwd,
      encoding: 'utf8',
    });
    expect([stderr, status]).toEqual(['', 0]);
    return stdout.split('\n').filter((line) => line !== '');
  }

  it.each(EXPECTED)('Bash completes "binance-signing-proxy %s"', (typed, offered) => {
    const [last = ''] = typed.split(' ').slice(-1);
    const found = offers(typed);
    expect(found).toEqual(expect.arrayContaining([...offered]));
    expect(found.filter((word) => !word.startsWith(last))).toEqual([]);
  });

  it('Bash offers the options of one command only', () => {
    expect(offers('audit verify --')).not.toContain('--client');
    expect(offers('serve --')).toEqual(['--help']);
  });

  it('Bash is left to complete names of files where a path belongs', () => {
    expect([offers('audit tail '), offers('audit verify --key-file ')]).toEqual([[], []]);
    expect(scripts.get('bash')).toContain(
      'complete -o default -F _binance_signing_proxy binance-signing-proxy',
    );
  });
});

describe.runIf(has('zsh'))('completion for zsh', () => {
  it('Zsh takes the script as it stands', () => {
    const path = join(folderWith(), '_binance-signing-proxy');
    writeFileSync(path, scripts.get('zsh') ?? '');
    const line = `autoload -U compinit && compinit -u -D && source ${path} && print -r -- $_comps[binance-signing-proxy]`;
    const { stdout, stderr } = spawnSync('zsh', ['-f', '-c', line], { encoding: 'utf8' });
    expect([stdout, stderr]).toEqual(['_binance_signing_proxy\n', '']);
  });
});

describe.runIf(has('fish'))('completion for fish', () => {
  it.each(EXPECTED)('Fish completes "binance-signing-proxy %s"', (typed, offered) => {
    const line = `${scripts.get('fish')}\ncomplete -C ${JSON.stringify(`binance-signing-proxy ${typed}`)}`;
    const { stdout } = spawnSync('fish', ['--no-config', '-c', line], { encoding: 'utf8' });
    const found = stdout.split('\n').map((each) => each.split('\t')[0]);
    expect(found).toEqual(expect.arrayContaining(offered.filter((word) => word !== '--version')));
  });
});
