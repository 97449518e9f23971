import { readFileSync } from 'node:fs';
import { OPERATOR_NAME_VARIABLE, OPERATOR_TOKEN_FILE_VARIABLE } from '../../config/schema/variables.ts';
import { readEnvironment } from '../../config/sources/read-environment.ts';
import { UsageError } from '../base/cli.ts';
import { operatorAddress } from './operator-address.ts';
import { OperatorTrouble } from './operator-trouble.ts';

/** The options of every command that acts as an operator. */
export const OPERATOR_OPTIONS = {
  operator: { type: 'string' },
  'token-file': { type: 'string' },
  url: { type: 'string' },
} as const;

/** What their help says about them. */
export const OPERATOR_USAGE = `--operator NAME    who acts; BINANCE_PROXY_OPERATOR_NAME unless told; may be left out, for the token says it
--token-file PATH  the file with the operator's token; BINANCE_PROXY_OPERATOR_TOKEN_FILE unless told
--url URL          the listener for operators; that of BINANCE_PROXY_OPERATOR_HOST and _PORT unless told`;

export interface OperatorValues {
  readonly operator?: string | undefined;
  readonly 'token-file'?: string | undefined;
  readonly url?: string | undefined;
}

/** What the listener for operators answered: its JSON. */
interface OperatorAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** Asks the listener for operators. */
export type AskOperator = (method: 'GET' | 'POST', path: string, body?: unknown) => Promise<OperatorAnswer>;

const ANSWER_WITHIN_MS = 10_000;

/**
 * Makes the way to the listener, with the operator's token.
 * @throws UsageError when options are missing
 * @throws OperatorTrouble when the token cannot be read; later, when nobody is there or the token is wrong
 */
export async function operatorCaller(
  values: OperatorValues,
  answerWithinMs: number = ANSWER_WITHIN_MS,
): Promise<AskOperator> {
  const env = readEnvironment(process.cwd(), process.env);
  const tokenFile = values['token-file'] ?? (env[OPERATOR_TOKEN_FILE_VARIABLE] || undefined);
  if (tokenFile === undefined)
    throw new UsageError(
      `An operator's token is needed: give --token-file, or set ${OPERATOR_TOKEN_FILE_VARIABLE}.`,
    );
  const token = readToken(tokenFile);
  const name = values.operator ?? (env[OPERATOR_NAME_VARIABLE] || undefined);
  const base = values.url === undefined ? await operatorAddress() : given(values.url);
  return async (method, path, body) => {
    const headers: Record<string, string> = { authorization: `Bearer ${token}` };
    if (name !== undefined) headers['x-proxy-operator'] = name;
    if (body !== undefined) headers['content-type'] = 'application/json';
    const answer = await request(new URL(path, base), {
      method,
      headers,
      redirect: 'error',
      signal: AbortSignal.timeout(answerWithinMs),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (answer.status >= 400) throw new OperatorTrouble(sentenceOf(answer.body));
    return answer;
  };
}

/** The sentence of a refusal. */
function sentenceOf(body: unknown): string {
  const { error } = Object(body) as { readonly error?: unknown };
  return typeof error === 'string' ? error : 'The proxy refused without a reason.';
}

async function request(url: URL, init: RequestInit): Promise<OperatorAnswer> {
  let answer: Response;
  try {
    answer = await fetch(url, init);
  } catch (error) {
    const { name, cause } = error as Error;
    if (name === 'TimeoutError')
      throw new OperatorTrouble(`The proxy at ${url.origin} did not answer in time.`);
    const { code } = Object(cause) as { readonly code?: unknown };
    const why = typeof code === 'string' ? ` (${code})` : '';
    throw new OperatorTrouble(
      `There is no proxy at ${url.origin}${why}: is it running, and is this its listener for operators?`,
      true,
    );
  }
  const text = await answer.text();
  try {
    return { status: answer.status, body: JSON.parse(text) };
  } catch {
    throw new OperatorTrouble(`What answers at ${url.origin} is not this proxy (status ${answer.status}).`);
  }
}

function readToken(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new OperatorTrouble(`The token's file ${path} cannot be read (${code}).`);
  }
  if (!/^[\x21-\x7e]{1,512}$/.test(text))
    throw new OperatorTrouble(`The token's file ${path} holds no token.`);
  return text;
}

function given(url: string): string {
  if (/^https?:\/\//.test(url) && URL.canParse(url)) return url;
  throw new UsageError('--url takes an address such as http://localhost:8081.');
}
