import { resolve } from 'node:path';
import { command, EXIT, UsageError, type Values } from './base/cli.ts';
import { withSentences } from './base/with-sentences.ts';
import { check } from './check.ts';
import { createFile, lookAt, replaceFile, UnsafeFileError } from './files/safe-file.ts';
import { givenAnswers } from './init/given-answers.ts';
import { LIBRARIES, linesFor, PLACEHOLDERS } from './init/library-lines.ts';
import { type Answers, INIT_OPTIONS } from './init/options.ts';
import { CONFIG_PATH, DOTENV_PATH, type Plan, planFiles } from './init/plan.ts';
import { withUsualAnswers } from './init/usual-answers.ts';

const USAGE = `Usage: binance-signing-proxy init [options]

Asks which Binance, for its key, and which apps will call; writes .env (0600) and config/proxy.yaml, prints the lines
with which an app reaches the proxy, and ends with "check". A secret that is pasted is not shown and stands in no history.
What an option says is not asked.

--environment testnet|demo|simulator|live
--key-type hmac|ed25519|rsa
--api-key-file PATH     --secret-file PATH (the secret, or the PEM)     --passphrase-file PATH
                        these files stay where they are; what the environment has is not asked for
--client NAME           an app that will call; again for each further one
--for KIND              agent, bot or dashboard: one for all, or one for each --client in its order
--symbols A,B           the symbols that these may trade
--store env|files       secrets in .env, or each in a file below secrets/
--library NAME          ${[...LIBRARIES.keys()].join(', ')}
--offline               ends with "check --offline"
--yes                   asks nothing and takes what is usual: testnet, .env, one client my-app of the kind bot
--force                 writes anew what is there; without it nothing is ever overwritten

Examples:
  binance-signing-proxy init
  binance-signing-proxy init --environment simulator --yes --library curl
  binance-signing-proxy init --yes --api-key-file key.txt --secret-file binance.pem --client grid-bot --for bot`;

/** The command `init`: from nothing to a configuration that `check` has looked at. */
export const init = withSentences(command({ name: 'init', usage: USAGE, options: INIT_OPTIONS, run: setUp }));

async function setUp(values: Values<typeof INIT_OPTIONS>): Promise<number> {
  const cwd = process.cwd();
  const given = givenAnswers(values, cwd, process.env);
  const isTerminal = process.stdin.isTTY && process.stdout.isTTY;
  if (values.yes !== true && !isTerminal) {
    throw new UsageError(
      'init asks on a terminal, and this is none: say --yes, with the answers as options.',
    );
  }
  const there = [DOTENV_PATH, CONFIG_PATH].filter((name) => lookAt(cwd, resolve(cwd, name)));
  if (there.length > 0 && values.force !== true) {
    if (values.yes === true || !(await (await import('./init/ask.ts')).askOverwrite(there))) {
      console.error(
        `${there.join(' and ')} stay as they are, and nothing was written: --force writes them anew.`,
      );
      return EXIT.problem;
    }
  }
  const answers = values.yes === true ? withUsualAnswers(given) : await asked(given);
  if (answers === undefined) return EXIT.problem;
  const plan = planFiles(answers, cwd, process.env);
  write(cwd, plan, values.force === true ? [...plan.files.keys()] : there);
  for (const warning of plan.warnings) console.error(warning);
  tell(answers, plan);
  const isSimulated = answers.environment === 'simulator';
  if (isSimulated) console.log('\nStart the exchange first, in this folder: binance-signing-proxy simulator');
  console.log(
    `${isSimulated ? 'Then the' : '\nStart the'} proxy: binance-signing-proxy serve (in a clone: npm start)\n`,
  );
  return check(values.offline === true || isSimulated ? ['--offline'] : []);
}

/** The answers of a person; undefined when they gave up. */
async function asked(given: Parameters<typeof withUsualAnswers>[0]): Promise<Answers | undefined> {
  const { askMissing, GivenUpError } = await import('./init/ask.ts');
  try {
    return await askMissing(given);
  } catch (error) {
    if (!(error instanceof GivenUpError)) throw error;
    console.error(error.message);
    return undefined;
  }
}

/** Every path is looked at before the first file is written. */
function write(cwd: string, { files }: Plan, mayBeLost: readonly string[]): void {
  const there = [...files.keys()].filter((name) => lookAt(cwd, resolve(cwd, name)));
  const kept = there.filter((name) => !mayBeLost.includes(name));
  if (kept.length > 0) {
    throw new UnsafeFileError(
      `${kept.join(' and ')} would be overwritten, and nothing was written: --force writes them anew.`,
    );
  }
  for (const [name, text] of files) {
    const put = there.includes(name) ? replaceFile : createFile;
    put(cwd, resolve(cwd, name), text, OWNERS_ONLY);
    console.log(`Written: ${name}`);
  }
}

const OWNERS_ONLY = 0o600;

function tell({ library: name, clients }: Answers, { pairs }: Plan): void {
  const [first] = clients;
  const library = name === undefined ? undefined : LIBRARIES.get(name);
  const pair = first === undefined ? undefined : pairs.get(first.name);
  if (first === undefined || library === undefined || pair === undefined) return;
  console.log(`\nIn ${first.name}, with ${name} (more in docs/clients.md):\n`);
  console.log(linesFor(library, { url: PLACEHOLDERS.url, ...pair }));
}
