import type { KeyObject } from 'node:crypto';
import type { SecretText } from '../../../core/records/secret-text.ts';

/** Where notices are sent, and what that service needs. The address is a secret: whoever has it can write there. */
export type NoticeTarget = { readonly name: string; readonly url: SecretText } & (
  | { readonly kind: 'webhook'; readonly signingKey: KeyObject }
  | { readonly kind: 'ntfy'; readonly token: SecretText | undefined }
  | { readonly kind: 'telegram'; readonly chatId: string }
  | { readonly kind: 'slack' }
);
