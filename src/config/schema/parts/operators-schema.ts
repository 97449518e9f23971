import Type from 'typebox';
import { mapping, NAME_ERROR, NAME_PATTERN, text } from './schema-parts.ts';

/** Who may act on the listener for operators. */
export const OperatorsSchema = Type.Record(
  Type.String({ pattern: NAME_PATTERN }),
  mapping(
    {
      envPrefix: text('^[A-Z][A-Z0-9_]{0,79}$', 'must be an upper-case name such as ALICE', {
        description: 'Reads <envPrefix>_OPERATOR_TOKEN_SHA256.',
      }),
      passkeyRequired: Type.Optional(
        Type.Boolean({
          description: 'Whether decisions about approvals need a passkey.',
          default: false,
          errorMessage: 'must be true or false',
        }),
      ),
    },
    'An operator.',
  ),
  {
    additionalProperties: false,
    description: 'Operators by name; `operator new NAME` makes a token and its digest.',
    errorMessage: 'must be a mapping of operator names to operators',
    keyErrorMessage: NAME_ERROR,
  },
);
