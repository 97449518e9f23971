import program from '../package.json' with { type: 'json' };
import { EXIT } from './commands/base/cli.ts';
import { tableLine } from './commands/base/cli-table.ts';
import type { CommandTable } from './commands/completion.ts';

/** Each command is loaded only when it is called for: a health check does not load a web server. */
const COMMANDS: CommandTable = new Map([
  [
    'init',
    [
      async () => (await import('./commands/init.ts')).init,
      'ask what is needed and write .env and config/proxy.yaml',
    ],
  ],
  ['serve', [async () => (await import('./commands/serve.ts')).serve, 'sign and forward (the default)']],
  [
    'demo',
    [
      async () => (await import('./commands/demo.ts')).demo,
      'a short trading session against the embedded simulator; --keep goes on serving',
    ],
  ],
  [
    'simulator',
    [async () => (await import('./commands/simulator.ts')).simulator, 'the embedded exchange alone'],
  ],
  [
    'check',
    [
      async () => (await import('./commands/check.ts')).check,
      'validate configuration, credentials, clock and key permissions; --offline asks nobody',
    ],
  ],
  [
    'client',
    [
      async () => (await import('./commands/client.ts')).client,
      'apps and their keys: "client new NAME", "client list", "client rotate NAME", "client revoke NAME"',
    ],
  ],
  [
    'operator',
    [
      async () => (await import('./commands/operator.ts')).operator,
      'people who act on the proxy: "operator new NAME" makes a token',
    ],
  ],
  [
    'state',
    [
      async () => (await import('./commands/state.ts')).state,
      'what is stopped: "state", "state set cancel-only --reason TEXT"',
    ],
  ],
  [
    'approvals',
    [
      async () => (await import('./commands/approvals.ts')).approvals,
      'what waits for an operator: "approvals show ID", "approvals approve ID DIGEST", "approvals deny ID"',
    ],
  ],
  [
    'notices',
    [
      async () => (await import('./commands/notices.ts')).notices,
      'who is told of what an operator should know at once: "notices test"',
    ],
  ],
  [
    'watch',
    [
      async () => (await import('./commands/watch/watch.ts')).watch,
      'how the running proxy is, in a terminal: the overview of the console',
    ],
  ],
  [
    'certificate',
    [
      async () => (await import('./commands/certificate.ts')).certificate,
      '"certificate new" makes what a listener by name needs',
    ],
  ],
  [
    'audit',
    [
      async () => (await import('./commands/audit.ts')).audit,
      'the records: "audit tail PATH…", "audit show", "audit report", "audit verify"',
    ],
  ],
  [
    'healthcheck',
    [
      async () => (await import('./commands/healthcheck.ts')).healthcheck,
      'exit 0 when the running proxy is ready',
    ],
  ],
  [
    'reload',
    [
      async () => (await import('./commands/reload.ts')).reload,
      'have the running proxy read secrets and configuration again, and say what came of it',
    ],
  ],
  [
    'completion',
    [
      async () => (await import('./commands/completion.ts')).completionOf(COMMANDS),
      'print the script with which bash, zsh or fish completes this command line',
    ],
  ],
]);

const NAME_WIDTH = 11;

function usage(): string {
  const lines = [...COMMANDS].map(([name, [, summary]]) => tableLine(['', name, summary], [0, NAME_WIDTH]));
  return `Usage: binance-signing-proxy [command] [options]

${lines.join('\n')}

"<command> --help" says more, with examples; --version prints the version.`;
}

async function run(argv: readonly string[]): Promise<number> {
  const [first, ...rest] = argv;
  if (first === '--help' || first === '-h' || first === 'help') {
    console.log(usage());
    return EXIT.ok;
  }
  if (first === '--version' || first === '-v') {
    console.log(program.version);
    return EXIT.ok;
  }
  const named = first !== undefined && !first.startsWith('-');
  const entry = COMMANDS.get(named ? first : 'serve');
  if (entry === undefined) {
    console.error(`Unknown command "${first}".\n\n${usage()}`);
    return EXIT.usage;
  }
  const command = await entry[0]();
  return command(named ? rest : argv);
}

process.exitCode = await run(process.argv.slice(2));
