import { createHmac } from 'node:crypto';
import type { NoticeTarget } from '../config/schema/watching/notice-target.ts';
import { SECOND_MS } from '../core/intervals.ts';
import type { Notice, Severity } from './notice.ts';
import type { PostedText } from './post-text.ts';

/** What is put around a notice when it is sent. */
export interface Occasion {
  /** How often it happened since it was told last. */
  readonly count: number;
  /** How many others could not be told. */
  readonly dropped: number;
  /** Where operators look, as they reach it. */
  readonly page: string | undefined;
  /** Wall clock in ms. */
  readonly nowMs: number;
}

/** ntfy's own scale, from 1 to 5. */
const PRIORITIES: Readonly<Record<Severity, number>> = { critical: 5, warning: 4, info: 3 };
/** Telegram takes 4096 characters, and ntfy as many bytes. */
const LONGEST_TEXT = 1_200;
const JSON_TYPE = 'application/json; charset=utf-8';

/** A notice as the service of its target takes it. It says; it never decides: no address in it does anything. */
export function messageFor(target: NoticeTarget, notice: Notice, occasion: Occasion): PostedText {
  const url = target.url.reveal();
  switch (target.kind) {
    case 'webhook': {
      const { count, dropped, page } = occasion;
      const body = JSON.stringify({ ...notice, count, dropped, page });
      const seconds = Math.floor(occasion.nowMs / SECOND_MS);
      const signature = createHmac('sha256', target.signingKey).update(`${seconds}.${body}`).digest('hex');
      const headers = { 'content-type': JSON_TYPE, 'x-proxy-signature': `t=${seconds},v1=${signature}` };
      return { url, headers, body };
    }
    case 'ntfy': {
      const headers: Record<string, string> = {
        'content-type': 'text/plain; charset=utf-8',
        title: notice.title,
        priority: String(PRIORITIES[notice.severity]),
      };
      if (target.token !== undefined) headers.authorization = `Bearer ${target.token.reveal()}`;
      return { url, headers, body: wordsOf(notice, occasion) };
    }
    case 'telegram': {
      const text = `${notice.title}\n${wordsOf(notice, occasion)}`;
      const message = { chat_id: target.chatId, text, link_preview_options: { is_disabled: true } };
      return { url, headers: { 'content-type': JSON_TYPE }, body: JSON.stringify(message) };
    }
    case 'slack': {
      const text = `*${notice.title}*\n${escapeForSlack(wordsOf(notice, occasion))}`;
      const message = { text, unfurl_links: false, unfurl_media: false };
      return { url, headers: { 'content-type': JSON_TYPE }, body: JSON.stringify(message) };
    }
  }
}

function wordsOf(notice: Notice, { count, dropped, page }: Occasion): string {
  const { text, time, account, client, upstream } = notice;
  const subjects = Object.entries({ account, client, upstream }).flatMap(([name, value]) =>
    value === undefined ? [] : `${name} ${value}`,
  );
  const facts = Object.entries(notice.detail ?? {}).map(([name, value]) => `${name} ${value}`);
  return [
    text.slice(0, LONGEST_TEXT),
    [...subjects, ...facts].join(', ').slice(0, LONGEST_TEXT),
    `${time}${count > 1 ? `, ${count} times since it was told last` : ''}`,
    dropped > 0 ? `${dropped} further notices could not be told: look at the records.` : '',
    page ?? '',
  ]
    .filter((line) => line !== '')
    .join('\n');
}

/** Slack reads three characters as its own: a text of others must not become a link or a mention. */
function escapeForSlack(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
