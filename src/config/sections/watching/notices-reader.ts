import { createSecretKey } from 'node:crypto';
import { SecretText } from '../../../core/records/secret-text.ts';
import type { LayeredConfig } from '../../schema/layered-config.ts';
import type { NoticeTarget } from '../../schema/watching/notice-target.ts';
import { type ConfigSources, readSecret, readToken, type Secret } from '../../sources/read-secret.ts';
import { isLoopback } from '../hosts.ts';

interface Written {
  readonly name: string;
  readonly kind: NoticeTarget['kind'];
  readonly envPrefix: string;
}

/** So long is a part of an address that may be a secret by itself. */
const SECRET_PART = 8;
const CHAT_ID = /^(?:-?\d{1,20}|@\w{4,64})$/;

/** Reads where notices are sent, by name; problems are gathered. */
export function readNotices(
  sources: ConfigSources,
  layered: LayeredConfig,
): ReadonlyMap<string, NoticeTarget> {
  const targets = new Map<string, NoticeTarget>();
  const prefixes = new Map<string, string>();
  for (const [index, written] of ((layered.config.notices ?? []) as readonly Written[]).entries()) {
    const path = ['notices', String(index)];
    const { name, envPrefix } = written;
    const owner = prefixes.get(envPrefix);
    if (targets.has(name)) layered.report(path, `is the second one with the name ${name}`);
    else if (owner !== undefined) layered.report(path, `has the envPrefix of ${owner}: each needs its own`);
    prefixes.set(envPrefix, name);
    const target = readTarget(sources, written);
    if (target !== undefined) targets.set(name, target);
  }
  return targets;
}

function readTarget(sources: ConfigSources, { name, kind, envPrefix }: Written): NoticeTarget | undefined {
  const url = readUrl(sources, kind, envPrefix);
  switch (kind) {
    case 'webhook': {
      const secret = needed(sources, `${envPrefix}_SECRET`, 'the secret with which notices are signed');
      if (url === undefined || secret === undefined) return undefined;
      return { name, kind, url, signingKey: createSecretKey(secret.text, 'utf8') };
    }
    case 'ntfy': {
      const token = readToken(sources, `${envPrefix}_TOKEN`);
      if (url === undefined || token === 'refused') return undefined;
      return { name, kind, url, token: token === 'not-set' ? undefined : new SecretText(token.text) };
    }
    case 'telegram': {
      const variable = `${envPrefix}_CHAT_ID`;
      const chatId = sources.env[variable] ?? '';
      if (CHAT_ID.test(chatId)) return url === undefined ? undefined : { name, kind, url, chatId };
      const message = `${variable} must be the number of a chat, or @ and the name of a channel.`;
      sources.problems.push({ message, source: variable });
      return undefined;
    }
    case 'slack':
      return url === undefined ? undefined : { name, kind, url };
  }
}

function readUrl(
  sources: ConfigSources,
  kind: NoticeTarget['kind'],
  envPrefix: string,
): SecretText | undefined {
  const read = needed(sources, `${envPrefix}_URL`, 'the address that notices are sent to', readSecret);
  if (read === undefined) return undefined;
  const wrong = wrongUrl(sources, kind, read);
  if (wrong === undefined) return new SecretText(read.text);
  sources.problems.push({ message: `${read.variable} ${wrong}.`, source: read.variable });
  return undefined;
}

/** What is wrong with an address, without a part of it. Whatever of it is secret by itself goes to the mask. */
function wrongUrl(
  { secrets }: ConfigSources,
  kind: NoticeTarget['kind'],
  { text }: Secret,
): string | undefined {
  if (/\s/.test(text) || !URL.canParse(text)) return 'must be an address such as https://host/path';
  const url = new URL(text);
  const parts = `${url.pathname}${url.search}`.split(/[/?&=]/).filter((part) => part.length >= SECRET_PART);
  // The token of a bot is told and copied without the word before it.
  const tokens = kind === 'telegram' ? parts.map((part) => part.replace(/^bot(?=.{8})/, '')) : [];
  secrets.push(url.href, `${url.pathname}${url.search}`, url.password, ...parts, ...tokens);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(host)))
    return 'must begin with https://; http:// is for a loopback address only';
  if (url.hash !== '') return 'must be an address without #';
  if (kind === 'telegram' && !/^\/bot[^/]+\/sendMessage$/.test(url.pathname))
    return 'must end in /bot<token>/sendMessage, which is how Telegram takes messages';
  if (kind === 'ntfy' && !/^\/[\w-]+$/.test(url.pathname)) return 'must end in the name of a topic';
  return undefined;
}

function needed(
  sources: ConfigSources,
  name: string,
  what: string,
  read: typeof readToken = readToken,
): Secret | undefined {
  const reading = read(sources, name);
  if (reading === 'not-set')
    sources.problems.push({
      message: `${name} is not set: set it to ${what}, or ${name}_FILE to a file that holds it.`,
      source: name,
    });
  return typeof reading === 'object' ? reading : undefined;
}
