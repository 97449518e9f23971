import type { FastifyInstance } from 'fastify';
import { OperatorError } from '../access/operator-error.ts';
import { HOW_TO_BECOME_ONE } from '../access/operator-gate.ts';
import { readPageFiles } from './page-files.ts';

/** Own scripts and styles only, nothing inline, no text that becomes markup, in no frame. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const HEADERS = {
  'content-security-policy': POLICY,
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
};

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};
const PAGE = 'index.html';

/**
 * Serves the console: one page at `/` and its files, each by a fixed route, all read at the start. They say nothing about
 * this proxy, so they need no token; without an operator nobody could use them, and they are not there.
 */
export function addConsolePage(app: FastifyInstance, hasOperators: () => boolean): void {
  for (const [name, text] of readPageFiles()) {
    const type = TYPES[name.slice(name.lastIndexOf('.') + 1)];
    if (type === undefined) continue;
    const body = Buffer.from(text);
    app.get(name === PAGE ? '/' : `/console/${name}`, { config: { isOpen: true } }, (_request, reply) => {
      if (!hasOperators()) throw new OperatorError(404, HOW_TO_BECOME_ONE);
      return reply.headers(HEADERS).type(type).send(body);
    });
  }
}
