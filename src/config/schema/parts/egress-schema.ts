import Type from 'typebox';
import { mapping, text } from './schema-parts.ts';

export const EGRESS_ID_PATTERN = '^[A-Za-z0-9_.-]{1,64}$';
export const EGRESS_ID_ERROR = 'must be up to 64 letters, digits, dots, hyphens and underscores';

/** A way out: for everything at the top, for one key in an account. */
export const EgressSchema = mapping(
  {
    envPrefix: Type.Optional(
      text(
        '^[A-Z][A-Z0-9_]{0,79}$',
        'must be an upper-case name such as HEDGE, whose HEDGE_EGRESS_PROXY is read',
        {
          description: 'Reads the URL of an http, https or socks5 proxy from <envPrefix>_EGRESS_PROXY.',
        },
      ),
    ),
    localAddress: Type.Optional(
      text('^[0-9A-Fa-f.:]{2,45}$', 'must be an IP address of this machine', {
        description: 'Address of this machine that connections come from.',
      }),
    ),
    id: Type.Optional(
      text(EGRESS_ID_PATTERN, EGRESS_ID_ERROR, {
        description: 'Name of the IP that Binance sees: ways with equal names share what is counted by IP.',
      }),
    ),
  },
  'The way out to Binance: through a proxy, from a local address, or both.',
);
