import type { Operator } from '../../core/access/operator.ts';
import type { LayeredConfig } from '../schema/layered-config.ts';
import { OPERATOR_SUFFIX } from '../schema/variables.ts';
import { type ConfigSources, readToken } from '../sources/read-secret.ts';

/** The single operator that needs no YAML file, and where its digest is read from. */
const SINGLE_OPERATOR = 'default';
const SINGLE_OPERATOR_PREFIX = 'BINANCE_PROXY';

const DIGEST = /^[\da-f]{64}$/i;
const HOW_TO_MAKE = '`operator new NAME` prints a token and its digest';

/** Reads every operator with the digest of its token; problems are gathered. */
export function readOperators(sources: ConfigSources, layered: LayeredConfig): ReadonlyMap<string, Operator> {
  const operators = new Map<string, Operator>();
  const owners = new Map<string, string>();
  const prefixes = new Map<string, string>();
  const add = (name: string, variable: string, digest: string, passkeyRequired: boolean): void => {
    const tokenDigest = digest.toLowerCase();
    const owner = owners.get(tokenDigest);
    owners.set(tokenDigest, name);
    if (owner === undefined) operators.set(name, { name, tokenDigest, passkeyRequired });
    else
      sources.problems.push({
        message: `${variable} is also the digest of operator ${owner}: each needs a token of its own.`,
        source: variable,
      });
  };
  for (const [name, { envPrefix, passkeyRequired = false }] of Object.entries(
    layered.config.operators ?? {},
  )) {
    const variable = `${envPrefix}_${OPERATOR_SUFFIX}`;
    const owner = prefixes.get(envPrefix);
    prefixes.set(envPrefix, name);
    if (owner !== undefined) {
      layered.report(['operators', name, 'envPrefix'], `is also the one of operator ${owner}`);
      continue;
    }
    const digest = readDigest(sources, variable);
    if (digest === 'not-set')
      layered.report(['operators', name], `has no token: set ${variable}; ${HOW_TO_MAKE}`, 'key');
    else if (digest !== 'refused') add(name, variable, digest, passkeyRequired);
  }
  const variable = `${SINGLE_OPERATOR_PREFIX}_${OPERATOR_SUFFIX}`;
  const single = prefixes.has(SINGLE_OPERATOR_PREFIX) ? 'not-set' : readDigest(sources, variable);
  if (single === 'not-set' || single === 'refused') return operators;
  if (operators.has(SINGLE_OPERATOR)) {
    const message = `${variable} makes an operator ${SINGLE_OPERATOR}, and the file has another one of that name: remove one.`;
    sources.problems.push({ message, source: variable });
  } else add(SINGLE_OPERATOR, variable, single, false);
  return operators;
}

/** The digest in hex; a token in its place is refused without being repeated. */
function readDigest(sources: ConfigSources, variable: string): string {
  const reading = readToken(sources, variable);
  if (typeof reading !== 'object') return reading;
  if (DIGEST.test(reading.text)) return reading.text;
  const message = `${reading.variable} must be a SHA-256 digest, 64 hex digits, and never the token itself: ${HOW_TO_MAKE}.`;
  sources.problems.push({ message, source: reading.variable });
  return 'refused';
}
