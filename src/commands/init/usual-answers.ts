import { UsageError } from '../base/cli.ts';
import { issueKey } from '../client/issue-key.ts';
import type { Answers, PartialAnswers } from './options.ts';

/** The client that there is when nobody named one. */
export const USUAL_CLIENT = 'my-app';

/**
 * Fills what was not answered with what is usual: nothing that could cost money.
 * @throws UsageError when Binance's key is missing, which nobody can guess
 */
export function withUsualAnswers(given: PartialAnswers): Answers {
  const environment = given.environment ?? 'testnet';
  // The simulator takes any key: `simulator` reads this one from .env.
  const invented = environment === 'simulator' ? ({ kind: 'text', text: issueKey() } as const) : undefined;
  const apiKey = given.apiKey ?? invented;
  const secret = given.secret ?? (invented && { kind: 'text', text: issueKey() });
  if (apiKey === undefined || secret === undefined) {
    const missing = [
      ...(apiKey === undefined ? ['--api-key-file PATH (or BINANCE_API_KEY in the environment)'] : []),
      ...(secret === undefined ? ['--secret-file PATH (or BINANCE_API_SECRET)'] : []),
    ];
    throw new UsageError(`The key of Binance is not known: give ${missing.join(' and ')}.`);
  }
  return {
    environment,
    keyType: given.keyType ?? 'hmac',
    apiKey,
    secret,
    passphrase: given.passphrase,
    clients: given.clients ?? [{ name: USUAL_CLIENT, kind: 'bot', symbols: undefined }],
    store: given.store ?? 'env',
    library: given.library,
  };
}
