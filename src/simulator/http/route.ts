import type { IncomingHttpHeaders } from 'node:http';
import type { Account } from '../accounts/accounts.ts';
import { type Family, familyOfPath } from '../base/family.ts';
import type { JsonValue } from '../base/json-value.ts';
import type { ApiRestrictions } from '../base/options.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Parameters, Rules } from './parameters.ts';

/** OPTIONAL_KEY: one path that takes the key on one product's host and not on another's. */
export type Security = 'NONE' | 'OPTIONAL_KEY' | 'API_KEY' | 'SIGNED';

/** One request being answered. */
export interface Visit {
  readonly exchange: Exchange;
  readonly parameters: Parameters;
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Server time, ms. */
  readonly nowMs: number;
}

/** An answer with a status of its own, or with headers. */
export class Answer {
  readonly status: number;
  readonly body: JsonValue;
  readonly headers: Readonly<Record<string, string>>;

  constructor(body: JsonValue, status = 200, headers: Readonly<Record<string, string>> = {}) {
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

export interface Route {
  readonly method: string;
  readonly path: string;
  readonly family: Family;
  readonly security: Security;
  /** Undefined for any parameters (generic endpoints). */
  readonly rules: Rules | undefined;
  readonly repeatable: ReadonlySet<string>;
  readonly weight: (parameters: Parameters) => number;
  /** Whether a /sapi endpoint is counted by IP or by UID. */
  readonly countedBy: 'IP' | 'UID';
  /** Orders and cancels cost no weight when they succeed (2026-04-02). */
  readonly freeOnSuccess: boolean;
  /** The answer carries the order counts. */
  readonly showsOrderCount: boolean;
  readonly permission: keyof ApiRestrictions | undefined;
  readonly answer: (visit: Visit, account: Account | undefined) => JsonValue | Answer;
}

export interface RouteOptions {
  readonly rules?: Rules;
  readonly weight?: number | ((parameters: Parameters) => number);
  readonly countedBy?: 'IP' | 'UID';
  readonly freeOnSuccess?: boolean;
  readonly showsOrderCount?: boolean;
  readonly permission?: keyof ApiRestrictions;
}

type OpenAnswer = (visit: Visit) => JsonValue | Answer;
type OwnAnswer = (visit: Visit, account: Account) => JsonValue | Answer;

/** An endpoint that takes neither key nor signature. */
export function openRoute(target: string, options: RouteOptions, answer: OpenAnswer): Route {
  return makeRoute(target, 'NONE', options, answer);
}

/** An endpoint that takes the key but does not need it. */
export function optionalKeyRoute(target: string, options: RouteOptions, answer: OpenAnswer): Route {
  return makeRoute(target, 'OPTIONAL_KEY', options, answer);
}

/** An endpoint that takes the key and nothing else. */
export function keyRoute(target: string, options: RouteOptions, answer: OwnAnswer): Route {
  return makeRoute(target, 'API_KEY', options, needsAccount(answer));
}

/** An endpoint that takes key, timestamp and signature. */
export function signedRoute(target: string, options: RouteOptions, answer: OwnAnswer): Route {
  return makeRoute(target, 'SIGNED', options, needsAccount(answer));
}

function needsAccount(answer: OwnAnswer): Route['answer'] {
  return (visit, account) => {
    if (account === undefined) throw new Error('a keyed route was entered without an account');
    return answer(visit, account);
  };
}

function makeRoute(
  target: string,
  security: Security,
  options: RouteOptions,
  answer: Route['answer'],
): Route {
  const space = target.indexOf(' ');
  const path = target.slice(space + 1);
  const family = familyOfPath(path);
  if (family === undefined) throw new TypeError(`no family has the path ${path}`);
  const weight = options.weight ?? 1;
  const repeatable = Object.entries(options.rules ?? {})
    .filter(([, rule]) => rule.repeatable)
    .map(([name]) => name);
  return {
    method: target.slice(0, space),
    path,
    family,
    security,
    rules: options.rules,
    repeatable: new Set(repeatable),
    weight: typeof weight === 'number' ? () => weight : weight,
    countedBy: options.countedBy ?? 'IP',
    freeOnSuccess: options.freeOnSuccess ?? false,
    showsOrderCount: options.showsOrderCount ?? false,
    permission:
      options.permission ??
      (security === 'SIGNED' && target.startsWith('GET ') ? 'enableReading' : undefined),
    answer,
  };
}
