import { hash } from 'node:crypto';
import { resolve } from 'node:path';
import { type Action, commandGroup, EXIT, UsageError, type Values } from './base/cli.ts';
import { withSentences } from './base/with-sentences.ts';
import { wrongName } from './client/client-name-check.ts';
import { prefixFor } from './client/client-names.ts';
import { issueKey } from './client/issue-key.ts';
import { createFile } from './files/safe-file.ts';
import {
  OPERATOR_OPTIONS,
  OPERATOR_USAGE,
  type OperatorValues,
  operatorCaller,
} from './operator/ask-operator.ts';

const USAGE = `Usage: binance-signing-proxy operator <new NAME|status> [options]

new NAME  Makes the token of an operator and prints it once, with the environment line that the proxy needs: the
          digest of the token, from which nobody can tell it. What goes into config/proxy.yaml is printed on stderr;
          the operator "default" needs no YAML file. Nothing is stored.
          --token-file PATH  writes the token into a new file of mode 0600 in place of printing it: then
                             stdout is the line for .env and nothing else

status    Prints how the running proxy is, as JSON: why it is not ready, clock, keys, freezes, budgets. Exit code 0 when it
          is ready, 1 when not or when the token is wrong, 75 when no proxy is there.
          ${OPERATOR_USAGE.replaceAll('\n', '\n          ')}

An operator looks at the proxy and acts on it by commands or in a browser. Keep the token where no app can read it: in the file
of another user, or on another machine. A lost one is replaced by a new digest and "reload"; a further operator takes
a new start.

Examples:
  binance-signing-proxy operator new alice
  binance-signing-proxy operator new alice --token-file alice.token >> .env
  binance-signing-proxy operator status --token-file alice.token`;

const NEW = { 'token-file': { type: 'string' } } as const;
/** The operator that needs no YAML file. */
const DEFAULT = 'default';

const STATUS: Action<typeof OPERATOR_OPTIONS> = { options: OPERATOR_OPTIONS, run: showStatus };

/** The command `operator`: makes the tokens with which people act on the proxy. */
export const operator = withSentences(
  commandGroup({
    name: 'operator',
    usage: USAGE,
    actions: {
      new: { options: NEW, argument: 'a NAME', run: (values, [name = '']) => make(name, values) },
      status: STATUS,
    },
  }),
);

async function make(name: string, values: Values<typeof NEW>): Promise<number> {
  const wrong = wrongName(name);
  if (wrong !== undefined) throw new UsageError(wrong);
  const prefix = prefixFor(name);
  const token = issueKey();
  const path = values['token-file'];
  if (path === undefined) {
    console.log(`# operator ${name}: its token, told once. It is not for .env, and not for any app:`);
    console.log(`# ${token}`);
  } else createFile(process.cwd(), resolve(path), `${token}\n`);
  console.log(`${prefix}_OPERATOR_TOKEN_SHA256=${hash('sha256', token)}`);
  console.error(
    name === DEFAULT
      ? '\nThe operator default needs no entry in config/proxy.yaml.'
      : `\nFor config/proxy.yaml:\noperators:\n  ${name}: { envPrefix: ${prefix} }`,
  );
  return EXIT.ok;
}

async function showStatus(values: OperatorValues): Promise<number> {
  const ask = await operatorCaller(values);
  const { body } = await ask('GET', '/operator/status');
  console.log(JSON.stringify(body, undefined, 2));
  return Object(body).ready === true ? EXIT.ok : EXIT.problem;
}
