import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Command } from '../../src/commands/base/cli.ts';
import { folderWith } from '../support/fixtures/config-folder.ts';
import { type Caught, caught } from '../support/processes/caught.ts';
import { type Ended, MAIN, runToEnd } from '../support/processes/child.ts';

interface Case {
  /** As the user types it. */
  readonly name: string;
  /** The options that take a value. */
  readonly valued: readonly string[];
  /** What is missing when nothing follows the name; undefined where nothing has to. */
  readonly missing?: RegExp;
  /** Arguments of which the last is one too many; undefined where any number is right. */
  readonly stray?: readonly string[];
}

const RANGE = ['--client', '--since', '--until'];
const CASES: readonly Case[] = [
  { name: 'serve', valued: [], stray: ['oops'] },
  { name: 'demo', valued: [], stray: ['oops'] },
  { name: 'simulator', valued: ['--port'], stray: ['oops'] },
  { name: 'check', valued: [], stray: ['oops'] },
  {
    name: 'init',
    valued: [
      ...['--environment', '--key-type', '--api-key-file', '--secret-file', '--passphrase-file', '--client'],
      ...['--for', '--symbols', '--store', '--library'],
    ],
    missing: /^init asks on a terminal/,
    stray: ['oops'],
  },
  {
    name: 'client',
    valued: ['--for', '--public-key', '--symbols'],
    missing: /^client needs a word to say what to do: new, list, rotate or revoke\.$/,
    stray: ['oops'],
  },
  {
    name: 'client new',
    valued: ['--for', '--public-key', '--symbols'],
    missing: /^client new needs a NAME\.$/,
    stray: ['bot', 'oops'],
  },
  { name: 'client list', valued: [], stray: ['oops'] },
  {
    name: 'client rotate',
    valued: [],
    missing: /^client rotate needs a NAME\.$/,
    stray: ['bot', 'oops'],
  },
  {
    name: 'client revoke',
    valued: [],
    missing: /^client revoke needs a NAME\.$/,
    stray: ['bot', 'oops'],
  },
  {
    name: 'operator',
    valued: ['--token-file', '--operator', '--url'],
    missing: /^operator needs a word to say what to do: new or status\.$/,
    stray: ['oops'],
  },
  {
    name: 'operator new',
    valued: ['--token-file'],
    missing: /^operator new needs a NAME\.$/,
    stray: ['alice', 'oops'],
  },
  { name: 'operator status', valued: ['--operator', '--token-file', '--url'], stray: ['oops'] },
  { name: 'approvals', valued: ['--operator', '--token-file', '--url'], stray: ['oops'] },
  {
    name: 'approvals show',
    valued: ['--operator', '--token-file', '--url'],
    missing: /^approvals show needs the ID of an approval\.$/,
    stray: ['a7f3', 'oops'],
  },
  {
    name: 'approvals deny',
    valued: ['--operator', '--token-file', '--url', '--reason'],
    missing: /^approvals deny needs the ID of an approval\.$/,
  },
  {
    name: 'notices',
    valued: ['--operator', '--token-file', '--url'],
    missing: /^notices needs a word to say what to do: test\.$/,
    stray: ['oops'],
  },
  { name: 'state', valued: ['--operator', '--token-file', '--url'], stray: ['oops'] },
  {
    name: 'state set',
    valued: [
      '--operator',
      '--token-file',
      '--url',
      '--account',
      '--client',
      '--symbol',
      '--reason',
      '--cancel',
    ],
    missing: /^state set needs a STATE: run, reduce-only, cancel-only or halt\.$/,
    stray: ['halt', 'oops'],
  },
  {
    name: 'certificate',
    valued: ['--out'],
    missing: /^certificate needs a word to say what to do: new\.$/,
    stray: ['oops'],
  },
  { name: 'certificate new', valued: ['--out'], stray: ['oops'] },
  {
    name: 'audit',
    valued: RANGE,
    missing: /^audit needs a word to say what to do: tail, show, report, suggest or verify\.$/,
    stray: ['oops'],
  },
  {
    name: 'audit verify',
    valued: ['--key-file', '--from-seq'],
    missing: /needs the path of an audit folder/,
  },
  {
    name: 'audit show',
    valued: [...RANGE, '--outcome', '--event', '--error', '--symbol', '--order-id', '--client-order-id'],
    missing: /^audit show needs the path of an audit folder or file\.$/,
  },
  {
    name: 'audit tail',
    valued: ['--client', '--since', '--outcome', '--event', '--error', '--symbol'],
    missing: /^audit tail needs the path of an audit folder or file, or - for records on stdin\.$/,
    stray: ['.', 'oops'],
  },
  {
    name: 'audit suggest',
    valued: ['--since', '--until'],
    missing: /^audit suggest needs the name of a client and the path of an audit folder or file\.$/,
  },
  { name: 'audit report', valued: RANGE, missing: /needs the path of an audit folder/ },
  { name: 'watch', valued: ['--operator', '--token-file', '--url'], stray: ['oops'] },
  { name: 'healthcheck', valued: [], stray: ['oops'] },
  { name: 'reload', valued: ['--pid', '--audit-dir', '--timeout'], stray: ['oops'] },
  {
    name: 'completion',
    valued: [],
    missing: /^completion needs the name of a shell: bash, zsh or fish\.$/,
    stray: ['bash', 'oops'],
  },
];

/** The program as a user runs it, in a process of its own and in a folder without a configuration. */
function program(name: string, ...args: readonly string[]): Promise<Ended> {
  const words = name.split(' ').filter((word) => word !== '');
  return runToEnd([MAIN, ...words, ...args], { cwd: folderWith() });
}

/** Commands that have a folder of their own. */
const FILES: Readonly<Record<string, string>> = { watch: 'watch/watch' };

/** What parsing alone refuses: the command in this process, for a process of its own takes a second. */
async function refused(name: string, ...args: readonly string[]): Promise<Caught> {
  const [word = '', ...rest] = name.split(' ');
  const path = `../../src/commands/${FILES[word] ?? word}.ts`;
  const module = (await import(path)) as Readonly<Record<string, Command>>;
  const completionOf = module.completionOf as unknown as
    | ((table: ReadonlyMap<string, never>) => Command)
    | undefined;
  const command = completionOf?.(new Map<string, never>()) ?? module[word];
  if (command === undefined) throw new Error(`no command ${word}`);
  return caught(command, ...rest, ...args);
}

/** Checks that a call was refused with one sentence and the usage of the command, and returns the sentence. */
function sentenceAbove(usage: string, { code, stdout, stderr }: Caught | Ended): string {
  expect([code, stdout]).toEqual([64, '']);
  expect(stderr).not.toMatch(/^ {4}at /m);
  const [sentence = '', empty, ...rest] = stderr.split('\n');
  expect([sentence, empty]).toEqual([expect.stringMatching(/^\S.*\.$/), '']);
  expect(rest[0]).toMatch(new RegExp(`^Usage: binance-signing-proxy ${usage}`));
  return sentence;
}

/** The usage is that of the first word: the actions of `audit` and `client` share one. */
const usageOf = (name: string) => name.split(' ')[0] ?? '';

describe('every command', () => {
  it('The table of these tests names every command that the program has', async () => {
    const { code, stdout } = await program('', '--help');
    const listed = [...stdout.matchAll(/^ {2}(\S+)/gm)].map(([, name]) => name);
    expect([code, new Set(listed)]).toEqual([0, new Set(CASES.map(({ name }) => usageOf(name)))]);
  });

  it.each(CASES)('A wrong option of $name prints its usage and exits 64', async ({ name }) => {
    expect(sentenceAbove(usageOf(name), await refused(name, '--foo'))).toBe(`${name} has no option --foo.`);
  });

  it.each(CASES)('The help of $name is printed on stdout and exits 0', async ({ name }) => {
    const { code, stdout, stderr } = await program(name, '--help');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(new RegExp(`^Usage: binance-signing-proxy ${usageOf(name)}`));
    const [, examples = ''] = stdout.split('\nExamples:\n');
    expect(
      examples.match(new RegExp(`^  .*binance-signing-proxy .*${usageOf(name)}`, 'gm')) ?? [],
    ).not.toEqual([]);
  });

  it.each(CASES.flatMap(({ name, valued }) => valued.map((option) => ({ name, option }))))(
    'The option $option of $name without its value prints the usage and exits 64',
    async ({ name, option }) => {
      const sentence = sentenceAbove(usageOf(name), await refused(name, option));
      expect(sentence).toBe(`${option} needs a value.`);
    },
  );

  it.each(CASES.filter(({ stray }) => stray !== undefined))(
    'A stray argument of $name prints its usage and exits 64',
    async ({ name, stray = [] }) => {
      expect(sentenceAbove(usageOf(name), await refused(name, ...stray))).toContain('"oops"');
    },
  );

  it.each(CASES.filter(({ missing }) => missing !== undefined))(
    'A missing argument of $name prints its usage and exits 64',
    async ({ name, missing = /^$/ }) => {
      expect(sentenceAbove(usageOf(name), await program(name))).toMatch(missing);
    },
  );
});

describe('the version', () => {
  it.each(['--version', '-v'])('The program prints with %s the version of its package', async (flag) => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    expect(await program(flag)).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' });
  });
});

describe('a wrong call', () => {
  it('An unknown command prints the usage of the program and exits 64', async () => {
    const { code, stdout, stderr } = await program('withdraw');
    expect([code, stdout]).toEqual([64, '']);
    expect(stderr).toMatch(/^Unknown command "withdraw"\.\n\nUsage: binance-signing-proxy \[command\]/);
  });

  it('An option without a command is one of serve', async () => {
    expect(sentenceAbove('serve', await program('', '--foo'))).toBe('serve has no option --foo.');
  });

  it.each<[what: string, args: readonly string[], sentence: string]>([
    [
      'An option of another audit command',
      ['audit', 'verify', '--symbol', 'X', '.'],
      'audit verify has no option --symbol.',
    ],
    [
      'An option in the place of a value',
      ['audit', 'show', '--since', '--json', '.'],
      '--since needs a value.',
    ],
    ['A value for a switch', ['check', '--offline=yes'], '--offline takes no value.'],
    [
      'A number of a process that is none',
      ['reload', '--pid', '1x'],
      '--pid takes a whole number above zero.',
    ],
    ['An unknown shell', ['completion', 'tcsh'], 'completion knows bash, zsh and fish, not "tcsh".'],
    ['A port that is no number', ['simulator', '--port', 'http'], '--port must be a number from 0 to 65535.'],
    [
      'A record number that is none',
      ['audit', 'verify', '--from-seq', '0', '.'],
      '--from-seq takes the number of a record.',
    ],
    [
      'A time that cannot be read',
      ['audit', 'report', '--until', 'yesterday', '.'],
      '--until takes a day, an ISO time in UTC, or 90m, 24h, 7d.',
    ],
    ['A short option that is none', ['healthcheck', '-x'], 'healthcheck has no option -x.'],
    [
      'An option named like a method of objects',
      ['demo', '--constructor'],
      'demo has no option --constructor.',
    ],
  ])('%s is named in one sentence above the usage', async (_what, [name = '', ...args], sentence) => {
    expect(sentenceAbove(name, await program(name, ...args))).toBe(sentence);
  });

  it('The value of a wrong option is not repeated', async () => {
    const { stderr } = await program('serve', '--api-secret=hushhush');
    expect(stderr).toContain('--api-secret');
    expect(stderr).not.toContain('hushhush');
  });

  it('A wrong option is refused even when help is asked for', async () => {
    expect(sentenceAbove('check', await program('check', '--help', '--foo'))).toContain('--foo');
  });

  it('An option of audit may stand before the word that says what to do', async () => {
    const { code, stderr } = await program('audit', '--since', '24h', '--json', 'report', '.');
    expect([code, stderr]).toEqual([0, '']);
  });
});

describe('loading', () => {
  /** Prints the address of every module before it is loaded. */
  const trace =
    'import{registerHooks}from"node:module";registerHooks({load(url,context,next){console.error(url);return next(url,context)}})';
  const traced = (name: string) =>
    runToEnd(['--import', `data:text/javascript,${encodeURIComponent(trace)}`, MAIN, name, '--help'], {
      cwd: folderWith(),
    });

  it('A health check loads no web server', async () => {
    expect((await traced('serve')).stderr).toContain('/fastify/');
    expect((await traced('healthcheck')).stderr).not.toContain('/fastify/');
  });
});
