import { type Client, PROXY_CLIENT } from '../access/client.ts';
import type { Endpoint } from '../catalogue/endpoint.ts';

/** The endpoint at which the proxy asks what a key may do. Its weight is 1. */
export const KEY_QUESTION_PATH = '/sapi/v1/account/apiRestrictions';

/** So much weight of that endpoint is kept from its other callers: none of them can keep the question from being asked. */
const KEPT_WEIGHT = 200;

interface AskedBy {
  readonly endpoint: Endpoint;
  readonly client: Client;
}

/** True for the proxy's own question about a key: it does not depend on what apps leave of a budget. */
export function isKeyQuestion({ endpoint, client }: AskedBy): boolean {
  return client === PROXY_CLIENT && endpoint.path === KEY_QUESTION_PATH;
}

/** The weight that a call has to leave for the proxy's own questions. */
export function keptForQuestions({ endpoint, client }: AskedBy): number {
  return endpoint.path === KEY_QUESTION_PATH && client !== PROXY_CLIENT ? KEPT_WEIGHT : 0;
}
