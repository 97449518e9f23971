import { nearestName } from './nearest-name.ts';

/** How other programs call what ends in this, beside slips of the pen. */
const OTHER_NAMES: Readonly<Record<string, readonly string[]>> = {
  API_KEY: ['KEY', 'APIKEY', 'API'],
  API_SECRET: ['SECRET', 'SECRET_KEY', 'API_SECRET_KEY', 'APISECRET', 'SECRETKEY'],
  PRIVATE_KEY: ['API_PRIVATE_KEY', 'PRIVATE_KEY_PEM', 'PRIVATE_KEY_PATH'],
};

/** A variable that is set in the place of one that is not; undefined when none looks like it. */
export function misspeltAs(
  env: Readonly<Record<string, string | undefined>>,
  prefix: string,
  missing: readonly string[],
): { readonly set: string; readonly meant: string } | undefined {
  const wanted = missing.flatMap((name) => [name, `${name}_FILE`]);
  for (const set of Object.keys(env)) {
    if (!env[set] || !set.toUpperCase().startsWith(`${prefix}_`) || set.startsWith('BINANCE_PROXY_'))
      continue;
    const upper = set.toUpperCase();
    const known = missing.find((name) =>
      OTHER_NAMES[name.slice(prefix.length + 1)]?.some((other) => upper === `${prefix}_${other}`),
    );
    const meant = known ?? nearestName(set, wanted);
    if (meant !== undefined && !isRightAsItIs(set, prefix)) return { set, meant };
  }
  return undefined;
}

/** BINANCE_API_KEY is two letters away from nothing that it was meant for. */
function isRightAsItIs(name: string, prefix: string): boolean {
  const rest = name.slice(prefix.length + 1).replace(/_FILE$/, '');
  return Object.hasOwn(OTHER_NAMES, rest) || rest === 'PRIVATE_KEY_PASSPHRASE';
}
