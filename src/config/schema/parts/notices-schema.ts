import Type from 'typebox';
import { choice, mapping, NAME_ERROR, NAME_PATTERN, text } from './schema-parts.ts';

/** The kinds of services to which notices can be sent. */
const NOTICE_KINDS = ['webhook', 'ntfy', 'telegram', 'slack'] as const;

/** Who is told of what an operator should know at once. */
export const NoticesSchema = Type.Array(
  mapping(
    {
      name: text(NAME_PATTERN, NAME_ERROR, { description: 'Its name in records and numbers.' }),
      kind: choice(NOTICE_KINDS, { description: 'What is spoken there.' }),
      envPrefix: text('^[A-Z][A-Z0-9_]{0,79}$', 'must be an upper-case name such as PHONE', {
        description:
          'Reads <envPrefix>_URL; of a webhook <envPrefix>_SECRET, of ntfy <envPrefix>_TOKEN where it is set, of Telegram <envPrefix>_CHAT_ID.',
      }),
    },
    'Somebody who is told.',
  ),
  {
    maxItems: 8,
    description: 'Who is told of what an operator should know at once: docs/notices.md.',
    errorMessage: 'must be a list of at most 8 notices, each with name, kind and envPrefix',
  },
);
